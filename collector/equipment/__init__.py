"""What a kind of equipment means beyond its bits: elevators, smoke chambers, extinguishers, their upkeep."""
