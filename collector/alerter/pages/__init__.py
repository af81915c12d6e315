"""What a phone and a wall display show."""
