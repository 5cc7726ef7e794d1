"""The network, its weights and its files; needs torch."""

from nimblepose.core.optional import import_optional

for _package in (
    "torch",
    "safetensors",
):  # asked for here once, so that every module of this room may take them as given
    import_optional(_package, "networks and checkpoints")
