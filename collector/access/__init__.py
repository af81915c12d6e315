"""Who uses the web side, and what they may do there."""
