"""CSV files, read strictly."""
