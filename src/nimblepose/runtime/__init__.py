"""From picture to poses: place, run, decode, bring back."""
