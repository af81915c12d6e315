"""Who is called, when, how often and why: rings, quorum, rosters, drills, and whether people can be reached."""
