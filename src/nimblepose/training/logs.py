"""What a run writes about itself: CSV for programs, TensorBoard for eyes."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.errors import TrainingError
from nimblepose.core.files import write_atomically
from nimblepose.core.optional import import_optional


class CsvLog:
    """Rows by step; on resuming, rows that the lost part of the run wrote are removed."""

    def __init__(self, path: Path, columns: tuple[str, ...], *, resume_at: int | None) -> None:
        self.path, self.columns = path, columns
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = [] if resume_at is None else [row for row in read_csv(path) if int(row["step"]) < resume_at]
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)
        write_atomically(path, text.getvalue().encode())
        self._file = path.open("a", encoding="utf-8", buffering=1)
        self._writer = csv.DictWriter(self._file, columns, lineterminator="\n")

    def add(self, row: Mapping[str, Any]) -> None:
        """One row; what it lacks stays empty.

        Raises:
            TrainingError: the disk is full.
        """
        try:
            self._writer.writerow({key: row.get(key, "") for key in self.columns})
        except OSError as error:
            raise TrainingError(f"cannot write {self.path} ({error}); free some space, then --resume") from error

    def close(self) -> None:
        """No more rows."""
        self._file.close()


def read_csv(path: Path) -> list[dict[str, str]]:
    """Rows of a log; a last line that a crash cut off is left out, and so is a missing file."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row for row in rows if row.get("step", "").isdigit() and None not in row.values()]


class TensorBoard:
    """Curves and pictures."""

    def __init__(self, folder: Path, *, purge_step: int | None) -> None:
        """Open an event file; events from `purge_step` on, of an earlier attempt, are hidden.

        Raises:
            MissingPackageError: tensorboard is not installed.
        """
        tensorboard = import_optional("torch.utils.tensorboard", "tensorboard=true")
        self._writer: Any = tensorboard.SummaryWriter(str(folder), purge_step=purge_step)

    def add_scalars(self, values: Mapping[str, float], step: int) -> None:
        """Numbers of a step."""
        for key, value in values.items():
            self._writer.add_scalar(key, value, step)

    def add_picture(self, name: str, image: NDArray[np.uint8], step: int) -> None:
        """An (H, W, 3) RGB picture."""
        self._writer.add_image(name, image, step, dataformats="HWC")

    def close(self) -> None:
        """Flush and close."""
        self._writer.close()
