"""Who may speak to the broker: a community's own authority, what it signs, and what the broker is told of it."""
