"""People, teams and posts that change while the collector runs, over what the site folder says."""
