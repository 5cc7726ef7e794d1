"""A model of ours in the form of another runtime: tried in that runtime, or not written."""
