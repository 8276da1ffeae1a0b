"""Where each result comes from: the pipeline, its files in DVC and git, and the state they make up."""
