"""The collector's own figures: what it knows of buildings, equipment, gateways and calls, as rows of the history."""
