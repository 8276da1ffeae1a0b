"""The gate: what is checked before anything is computed, and the verdict."""
