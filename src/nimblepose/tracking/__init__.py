"""Poses over time: who is who, and where they really are."""
