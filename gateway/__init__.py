"""Asks devices and tells the broker. Judges nothing, forgets nothing."""
