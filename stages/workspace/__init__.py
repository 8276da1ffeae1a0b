"""What stages exchange. Nothing else knows paths: what wraps a tool is told where to write."""
