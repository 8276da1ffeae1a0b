"""Components and factors of a score matrix."""
