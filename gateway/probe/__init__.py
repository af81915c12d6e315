"""For an engineer on site with a bus that does not answer: look, read, try a profile, draft a site. Reads only."""
