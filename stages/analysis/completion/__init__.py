"""Missing scores: predicted from the scores there are, with intervals."""
