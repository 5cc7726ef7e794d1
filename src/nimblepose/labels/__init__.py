"""Labels of other tools: read, written as the set that training and `val` read, split, and converted."""
