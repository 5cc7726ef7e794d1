"""COCO annotations in, training samples out."""
