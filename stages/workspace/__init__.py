"""What stages exchange. Nothing else knows paths: what wraps a tool gets the place to write to as an argument."""
