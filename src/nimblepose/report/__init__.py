"""What was found, to be looked at: one page that needs nothing else."""
