"""`observatory export`: the state for others, as a crate, as records, as tables."""
