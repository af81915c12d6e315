"""The host's side of the wire: what is heard, in which order, what is missing, what may be acknowledged."""
