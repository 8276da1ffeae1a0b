"""`observatory trace`: from a result to its evidence, or to what depends on it."""
