"""One module per third-party tool that has side effects."""
