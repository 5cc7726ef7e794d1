"""From a checkpoint to a file that every runtime reads, in 32 and in 8 bits, no worse than agreed."""
