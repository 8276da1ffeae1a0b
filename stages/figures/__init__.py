"""Results in, matplotlib Figures out."""
