"""What stages exchange: paths, files, and the results read together."""
