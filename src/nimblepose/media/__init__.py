"""Files in, files out: pictures, drawings, formats."""
