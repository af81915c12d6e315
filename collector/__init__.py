"""Hears the gateways, keeps what they say, decides, and tells people."""
