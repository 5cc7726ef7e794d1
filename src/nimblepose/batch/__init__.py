"""Many videos and pictures, on many processes and machines: planned, done in parts, put together."""
