"""Everything a long run will need, once, on its own data, before the long run."""

import dataclasses
import tempfile
from pathlib import Path
from typing import Any

from lightning_fabric import Fabric

from nimblepose.convert.export import export_onnx
from nimblepose.model.checkpoint import load_checkpoint
from nimblepose.training.engine import train
from nimblepose.training.options import from_plain, to_plain
from nimblepose.training.recipe import Recipe

_PICTURES = 2  # that are validated


def preflight(recipe: Recipe, *, fabric: Fabric, export: bool = True) -> None:
    """One step of every phase: forward, backward, state, checkpoint, validation, and the export of the result.

    Raises:
        PoseError: what would have stopped the run hours later.
    """
    with tempfile.TemporaryDirectory(prefix="nimblepose_preflight_") as folder:
        shared = Path(fabric.broadcast(folder))
        result = train(shorten(recipe), shared, fabric=fabric)
        if export and fabric.is_global_zero:
            network, metadata = load_checkpoint(result)
            export_onnx(network, metadata, shared / "model.onnx")
        fabric.barrier()


def shorten(recipe: Recipe) -> Recipe:
    """The same with one step per phase and few validation pictures."""
    phases = [
        {key: value for key, value in phase.items() if not str(key).startswith(("schedule.", "validation."))}
        for phase in recipe.phases
    ]
    plain: dict[str, Any] = to_plain(dataclasses.replace(recipe, phases=()))
    plain["phases"] = phases
    plain["schedule"] = {"steps": 1}
    plain["validation"] |= {"every": 1, "max_pictures": _PICTURES}
    plain["tensorboard"], plain["trackers"] = False, []
    return from_plain(Recipe, plain)
