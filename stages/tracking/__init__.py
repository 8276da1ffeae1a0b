"""MLflow: what a run says of a state, written and read back."""
