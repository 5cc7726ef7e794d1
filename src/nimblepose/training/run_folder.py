"""The files of a run: logs, which grow line by line; pictures and checkpoints, whole. Only the first process writes."""

import json
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from lightning_fabric import Fabric
from numpy.typing import NDArray

from nimblepose.core.errors import TrainingError
from nimblepose.core.files import check_writable, write_atomically
from nimblepose.core.metadata import ModelMetadata
from nimblepose.evaluation.pixels import ErrorFigures
from nimblepose.evaluation.provenance import describe_machine
from nimblepose.media.encoding import encode_picture
from nimblepose.model.checkpoint import load_checkpoint, save_checkpoint
from nimblepose.model.network import PoseNetwork
from nimblepose.training.logs import CsvLog, TensorBoard
from nimblepose.training.options import compare, from_plain, to_plain
from nimblepose.training.recipe import Recipe, resolve_paths
from nimblepose.training.start import keep_stages
from nimblepose.training.state import load_state
from nimblepose.training.trackers import Tracker, open_tracker
from nimblepose.training.validation import Validation

_log = logging.getLogger(__name__)
_VALIDATION_COLUMNS = (
    "step", "phase", "ap", "ap50", "pixel_error", "pixel_median", "pixel_rmse", "relative_error", "pck", "missed",
    "exchanged", "heatmap_error", "paf_error", "loss", "best",
)  # fmt: skip
_KEYPOINT_COLUMNS = ("step", "phase", "keypoint", *(f.name for f in fields(ErrorFigures)))
_FREE_TO_CHANGE = ("data.workers", "validation.", "checkpoint_every", "tensorboard", "trackers", "name")  # on resuming


@dataclass(frozen=True)
class RunFolder:
    """Where what lies."""

    path: Path

    @property
    def state(self) -> Path:
        """Everything needed to resume."""
        return self.path / "state.pt"

    @property
    def last(self) -> Path:
        """The newest weights of the present phase, averaged if the recipe says so."""
        return self.path / "last.safetensors"

    @property
    def best(self) -> Path:
        """The best so far in the present phase, by AP and then by pixel error; see `Validation.rank`."""
        return self.path / "best.safetensors"

    @property
    def result(self) -> Path:
        """What is shipped: the best so far of the present phase, or the newest where nothing is measured."""
        return self.path / "model.safetensors"

    def locate_phase(self, number: int) -> Path:
        """The result of a phase, with all its stages."""
        return self.path / f"phase{number}.safetensors"

    def check(self, *, resume: bool) -> None:
        """Say before the preflight what `open` would say after it.

        Raises:
            TrainingError: the folder holds a run that is not to be resumed.
            MediaError: it cannot be written into.
        """
        check_writable(self.path)
        if self.state.exists() and not resume:
            raise self._refuse()

    def _refuse(self) -> TrainingError:
        return TrainingError(f"{self.path} holds a run already; go on with --resume, or give another --out")

    def open(
        self, recipe: Recipe, fabric: Fabric, *, resume: bool, contents: Mapping[str, list[str]]
    ) -> dict[str, Any] | None:
        """The state to go on from, or None for a fresh run, whose folder is made.

        Args:
            recipe: What to do.
            fabric: Of all processes.
            resume: Go on with a run that is there.
            contents: From `read_contents`: files that have moved, or are named from elsewhere, are still the same.

        Raises:
            TrainingError: the folder holds a run that is not to be resumed, or one of another recipe.
        """
        plain, exists = to_plain(recipe), self.state.exists()
        fabric.barrier()  # everyone has looked before anyone writes
        if exists and not resume:
            raise self._refuse()
        if exists:
            saved = load_state(self.state)
            before = to_plain(from_plain(Recipe, saved["recipe"]))  # what it did not know yet, too
            held = saved.get("contents", {})
            same = {key for key, sums in contents.items() if held.get(key) == sums}
            for key in held.keys() - same:
                _log.warning("%s does not hold what it held when %s began", key, self.path)
            free = _FREE_TO_CHANGE if recipe.phases else (*_FREE_TO_CHANGE, "schedule.steps")
            changed = {
                key: values
                for key, values in compare(before, plain).items()
                if key not in same and not key.startswith(free)
            }
            if changed:
                lines = "; ".join(f"{key} was {old!r}, is {new!r}" for key, (old, new) in changed.items())
                raise TrainingError(f"cannot resume {self.path} with another recipe: {lines}")
            if not recipe.phases and recipe.schedule.steps < saved["step"]:
                raise TrainingError(
                    f"{self.path} has done {saved['step']} steps; schedule.steps={recipe.schedule.steps} would be fewer"
                )
            self._describe(recipe, fabric, contents, step=saved["step"])
            return saved
        self._describe(recipe, fabric, contents, step=0)
        return None

    def _describe(self, recipe: Recipe, fabric: Fabric, contents: Mapping[str, list[str]], *, step: int) -> None:
        """Write what runs: `recipe.yaml`, which runs again from anywhere, and `run.json`, an entry for every start."""
        if not fabric.is_global_zero:
            return
        plain = to_plain(resolve_paths(recipe, Path.cwd()))
        path = self.path / "run.json"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            started = json.loads(path.read_text("utf-8"))["started"] if path.exists() and step else []
            entry = {
                "date": datetime.now(UTC).isoformat(timespec="seconds"),
                "phase_step": step,
                "device": str(fabric.device),
                "processes": fabric.world_size,
                "data": contents,
                "machine": describe_machine(),
            }
            value = {"format": "nimblepose-run", "version": 1, "started": [*started, entry]}
            write_atomically(path, (json.dumps(value, indent=1) + "\n").encode())
            write_atomically(self.path / "recipe.yaml", yaml.safe_dump(plain, sort_keys=False).encode())
        except (OSError, ValueError, KeyError) as error:  # MediaError is an OSError
            raise TrainingError(f"cannot write into {self.path}: {error}; give another --out") from error

    def finish_phase(self, number: int, *, measured: bool, last: bool, ship_stages: int | None) -> None:
        """The phase's result is its best checkpoint, or the newest where nothing was measured."""
        network, metadata = load_checkpoint(self.best if measured else self.last)
        save_checkpoint(network, metadata, self.locate_phase(number))
        if last:
            save_checkpoint(keep_stages(network, ship_stages), metadata, self.result)

    def ship(self, network: PoseNetwork, metadata: ModelMetadata) -> None:
        """As the result, from the first weights on: whoever stops a run has a model."""
        save_checkpoint(network, metadata, self.result)

    def save_weights(self, network: PoseNetwork, metadata: ModelMetadata, *, best: bool) -> None:
        """As `best` or as `last`."""
        save_checkpoint(network, metadata, self.best if best else self.last)


class RunLog:
    """`log.csv` (every step), `validation.csv`, `keypoints.csv`, events of TensorBoard, `pictures/`; and trackers."""

    def __init__(self, folder: RunFolder, phases: list[Recipe], *, resume_at: int | None) -> None:
        """Open the logs; what an earlier attempt wrote from step `resume_at` on is removed. None: begin anew."""
        stages = range(1 + max(phase.network.refinement_stages for phase in phases))
        parts = tuple(f"stage{i}_{kind}" for i in stages for kind in ("heatmaps", "pafs"))
        columns = ("step", "phase", "loss", *parts, "rate", "norm", "unreadable")
        self.folder = folder
        self.steps = CsvLog(folder.path / "log.csv", columns, resume_at=resume_at)
        after = None if resume_at is None else resume_at + 1  # a validation bears the number of the steps done
        self.measured = CsvLog(folder.path / "validation.csv", _VALIDATION_COLUMNS, resume_at=after)
        self.keypoints = CsvLog(folder.path / "keypoints.csv", _KEYPOINT_COLUMNS, resume_at=after)
        recipe = phases[0]
        self.boards: list[Tracker] = []
        if recipe.tensorboard:
            self.boards.append(TensorBoard(folder.path, purge_step=resume_at))
        self.boards += [
            open_tracker(kind, folder.path, name=recipe.name, settings=to_plain(recipe)) for kind in recipe.trackers
        ]

    def add_step(self, number: int, phase: int, values: Mapping[str, float]) -> None:
        """Losses and rates of one step; NaN is left empty."""
        row = {key: value for key, value in values.items() if not math.isnan(value)}
        self.steps.add({"step": number, "phase": phase, **row})
        for board in self.boards:
            board.add_scalars({f"train/{key}": value for key, value in row.items()}, number)

    def add_validation(self, steps_done: int, phase: int, found: Validation, *, loss: float, best: bool) -> None:
        """What a validation found, and whether it is the best so far of its phase."""
        values = found.to_row() | {"loss": loss}
        self.measured.add({"step": steps_done, "phase": phase, **values, "best": int(best)})
        for name, figures in found.pixels.keypoints.items():
            self.keypoints.add({"step": steps_done, "phase": phase, "keypoint": name, **figures.to_dict()})
        means = {name: figures.mean for name, figures in found.pixels.keypoints.items()}
        known = {f"pixel_error/{name}": mean for name, mean in means.items() if not math.isnan(mean)}
        for board in self.boards:
            board.add_scalars({f"validation/{key}": value for key, value in values.items()} | known, steps_done)

    def add_picture(self, steps_done: int, title: str, image: NDArray[np.uint8]) -> None:
        """An (H, W, 3) RGB picture."""
        path = self.folder.path / "pictures" / f"step{steps_done:07d}.png"
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, encode_picture(image, path.suffix))
        for board in self.boards:
            board.add_picture(title, image, steps_done)

    def close(self) -> None:
        """No more entries."""
        for log in (self.steps, self.measured, self.keypoints):
            log.close()
        for board in self.boards:
            board.close()
