"""Roads to people: one module per kind of channel."""
