"""Where else a run tells of itself: Weights & Biases and MLflow, beside files and TensorBoard."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.errors import MissingPackageError, TrainingError
from nimblepose.core.files import write_atomically
from nimblepose.core.optional import import_optional
from nimblepose.core.text import describe_error

_log = logging.getLogger(__name__)
TrackerName = Literal["wandb", "mlflow"]
_SETTINGS: Mapping[TrackerName, str] = {
    "wandb": "WANDB_API_KEY or WANDB_MODE=offline",
    "mlflow": "MLFLOW_TRACKING_URI to a server",
}


class Tracker(Protocol):
    """Whoever takes numbers and pictures of a run."""

    def add_scalars(self, values: Mapping[str, float], step: int) -> None:
        """Numbers of a step."""

    def add_picture(self, name: str, image: NDArray[np.uint8], step: int) -> None:
        """An (H, W, 3) RGB picture."""

    def close(self) -> None:
        """No more entries."""


def open_tracker(kind: TrackerName, folder: Path, *, name: str, settings: Mapping[str, Any]) -> Tracker:
    """Begin, or go on, where the folder's run is told of.

    Address and account are the tool's own matter: environment variables such as WANDB_MODE and MLFLOW_TRACKING_URI.

    Args:
        kind: Whose.
        folder: Of the run; what identifies the run there is kept in it, so that a resumed run goes on.
        name: Of the run.
        settings: The recipe, as plain data.

    Raises:
        MissingPackageError: the tool is not installed.
        TrainingError: it does not begin.
    """
    opened = _WandbTracker if kind == "wandb" else _MlflowTracker
    try:
        return _Guarded(kind, opened(folder, name, settings))
    except MissingPackageError:
        raise
    except Exception as error:  # the tool's own, of settings, accounts and networks
        raise TrainingError(
            f"trackers: {kind} does not begin: {_shorten(error)}; set {_SETTINGS[kind]}, or leave it out of trackers"
        ) from error


def _shorten(error: Exception) -> str:
    """The first line of what may be a page."""
    return describe_error(error).strip().partition("\n")[0].rstrip(".")


class _Guarded:
    """Another tool; once it fails the run goes on without it, whose own logs are whole."""

    def __init__(self, kind: TrackerName, tracker: Tracker) -> None:
        self._kind, self._tracker, self._lost = kind, tracker, False

    def add_scalars(self, values: Mapping[str, float], step: int) -> None:
        self._tell(lambda: self._tracker.add_scalars(values, step))

    def add_picture(self, name: str, image: NDArray[np.uint8], step: int) -> None:
        self._tell(lambda: self._tracker.add_picture(name, image, step))

    def close(self) -> None:
        self._tell(self._tracker.close)

    def _tell(self, call: Callable[[], None]) -> None:
        if self._lost:
            return
        try:
            call()
        except Exception as error:  # a server that is gone must not end days of training
            self._lost = True
            _log.warning("%s hears no more of this run, which goes on: %s", self._kind, _shorten(error))


class _WandbTracker:
    def __init__(self, folder: Path, name: str, settings: Mapping[str, Any]) -> None:
        self._wandb = import_optional("wandb", "trackers: [wandb]")
        place = folder / "wandb_id.txt"
        known = place.read_text().strip() if place.exists() else None
        self._run = self._wandb.init(
            project="nimblepose", name=name, id=known, resume="allow", dir=str(folder), config=dict(settings)
        )
        if known is None:
            write_atomically(place, f"{self._run.id}\n".encode())

    def add_scalars(self, values: Mapping[str, float], step: int) -> None:
        self._run.log(dict(values), step=step)

    def add_picture(self, name: str, image: NDArray[np.uint8], step: int) -> None:
        self._run.log({name: self._wandb.Image(image)}, step=step)

    def close(self) -> None:
        self._run.finish()


class _MlflowTracker:
    def __init__(self, folder: Path, name: str, settings: Mapping[str, Any]) -> None:
        self._mlflow = import_optional("mlflow", "trackers: [mlflow]")
        place = folder / "mlflow_id.txt"
        known = place.read_text().strip() if place.exists() else None
        self._run = self._mlflow.start_run(run_id=known, run_name=None if known else name)
        if known is None:
            self._mlflow.log_dict(dict(settings), "recipe.json")
            write_atomically(place, f"{self._run.info.run_id}\n".encode())

    def add_scalars(self, values: Mapping[str, float], step: int) -> None:
        self._mlflow.log_metrics(dict(values), step=step)

    def add_picture(self, name: str, image: NDArray[np.uint8], step: int) -> None:
        self._mlflow.log_image(image, f"pictures/step{step:07d}.png")

    def close(self) -> None:
        self._mlflow.end_run()
