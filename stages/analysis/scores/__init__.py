"""Score cells and score matrices."""
