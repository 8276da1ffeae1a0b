"""lm-eval, asked benchmark by benchmark, with everything that went wrong on record."""
