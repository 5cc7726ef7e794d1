"""What a run's best weights were worth, read back from its logs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from nimblepose.evaluation.pixels import COLUMNS, ErrorFigures
from nimblepose.training.logs import read_csv


@dataclass(frozen=True, kw_only=True)
class BestValidation:
    """The validation of the weights that a run ships: the best one of its last phase."""

    step: int
    ap: float
    ap50: float
    overall: ErrorFigures
    keypoints: Mapping[str, ErrorFigures]


def read_best_validation(folder: Path) -> BestValidation | None:
    """From `validation.csv` and `keypoints.csv` of a run's folder; None where nothing was validated."""
    rows = [row for row in read_csv(folder / "validation.csv") if row.get("best") == "1"]
    if not rows:
        return None
    best = rows[-1]
    names = [field.name for field in fields(ErrorFigures) if field.name != "labelled"]
    keypoints = {
        row["keypoint"]: ErrorFigures(labelled=int(row["labelled"]), **{name: _read(row[name]) for name in names})
        for row in read_csv(folder / "keypoints.csv")
        if (row["step"], row["phase"]) == (best["step"], best["phase"])
    }
    return BestValidation(
        step=int(best["step"]),
        ap=_read(best["ap"]),
        ap50=_read(best["ap50"]),
        overall=ErrorFigures(
            labelled=sum(figures.labelled for figures in keypoints.values()),
            **{name: _read(best[column]) for name, column in COLUMNS.items()},
        ),
        keypoints=keypoints,
    )


def _read(text: str) -> float:
    return float(text) if text else math.nan
