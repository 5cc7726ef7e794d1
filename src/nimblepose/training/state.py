"""What a run needs to go on as if nothing had happened: written whole or not at all, read without running code."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nimblepose.core.errors import TrainingError
from nimblepose.core.files import replacing


def save_state(state: dict[str, Any], path: Path) -> None:
    """Write tensors and plain data atomically and to the disk, not only to its cache.

    Raises:
        TrainingError: the disk is full or not writable; the former state is still there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            torch.save(state, temporary)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as RuntimeError
        raise TrainingError(f"cannot write {path} ({error}); free some space, then go on with --resume") from error


def load_state(path: Path) -> dict[str, Any]:
    """Read what `save_state` wrote; a file that would run code is refused.

    Raises:
        TrainingError: missing, damaged, or not a state of ours.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch lets through whatever its unpickler stumbles over
        kind = type(error).__name__
        raise TrainingError(
            f"{path} is not a training state: damaged, cut off, or holding code instead of plain data ({kind}); "
            f"begin again without --resume"
        ) from error
    if not isinstance(state, dict) or "step" not in state:
        raise TrainingError(f"{path} is not a training state: it has no step")
    return state


def read_random_state() -> dict[str, Any]:
    """The generators of torch, on all devices; data and augmentation use none but (seed, epoch, number)."""
    devices = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"torch": torch.get_rng_state(), "cuda": devices}


def restore_random_state(state: dict[str, Any]) -> None:
    """Put the generators back."""
    torch.set_rng_state(state["torch"])
    if state["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])


def seed_everything(seed: int) -> None:
    """Seed torch, and numpy's and Python's global generators for third-party code."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - ours use none; others might
    torch.manual_seed(seed)
