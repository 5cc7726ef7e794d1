"""The nouns everything else speaks of; needs numpy only."""
