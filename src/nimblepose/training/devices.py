"""On what a run runs: devices, processes, precision."""

import os

import torch
from lightning_fabric import Fabric

from nimblepose.core.errors import TrainingError
from nimblepose.training.recipe import Recipe


def build_fabric(recipe: Recipe) -> Fabric:
    """Devices, processes and precision as the recipe says; under torchrun each process calls this.

    Raises:
        TrainingError: the recipe asks for what this machine lacks.
    """
    processes = recipe.devices * recipe.machines
    started = int(os.environ.get("WORLD_SIZE", processes))
    if started != processes:
        raise TrainingError(
            f"{started} processes were started, but the recipe has devices={recipe.devices} x machines="
            f"{recipe.machines}; make them agree, or each would train on its own"
        )
    if recipe.accelerator == "cuda" and not torch.cuda.is_available():
        raise TrainingError("accelerator=cuda, but torch sees no GPU; use accelerator=auto or cpu")
    fabric = Fabric(
        accelerator=recipe.accelerator,
        devices=recipe.devices,
        num_nodes=recipe.machines,
        strategy="ddp" if processes > 1 else "auto",
        precision=recipe.precision,
    )
    if fabric.device.type == "cpu" and (recipe.precision == "16-mixed" or recipe.batch_norm == "sync"):
        raise TrainingError("precision=16-mixed and batch_norm=sync need GPUs; use bf16-mixed and frozen on CPUs")
    fabric.launch()
    return fabric
