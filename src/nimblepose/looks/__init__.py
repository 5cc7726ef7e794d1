"""Looks: whoever the first pass sees too small or too large is looked at again, closely enough, all on one canvas."""
