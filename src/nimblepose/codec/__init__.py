"""Keypoints to fields and back; numpy and OpenCV, no torch."""
