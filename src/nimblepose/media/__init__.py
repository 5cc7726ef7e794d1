"""Pixels in, pixels out: pictures, videos, cameras, streams."""
