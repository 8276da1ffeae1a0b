"""What the files of a study must say."""
