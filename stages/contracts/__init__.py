"""What data must look like: parameters, tables, errors. Imports nothing else of the project."""
