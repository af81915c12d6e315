"""The words that people read: notices, conditions, and why somebody was called."""
