"""What a community is and what its words mean. Imports nothing else of Callpoint."""
