"""Keypoints to fields and back; numpy only."""
