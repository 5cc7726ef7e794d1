"""Recipe, loss, engine: how a network learns."""
