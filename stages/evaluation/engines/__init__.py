"""Where workers run: processes of this machine, Slurm, Ray."""
