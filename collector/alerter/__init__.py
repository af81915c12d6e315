"""How people reach Callpoint, and how it reaches them."""
