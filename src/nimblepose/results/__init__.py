"""What was found, as files: formats, where they go, videos from their frames to their results."""
