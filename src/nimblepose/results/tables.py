"""Tidy tables: one row per found keypoint, with the same columns for pictures and videos, in CSV and in Parquet."""

from collections.abc import Iterator
from math import isnan

from nimblepose.core.poses import ROW_COLUMNS, Poses
from nimblepose.results.output_format import round_seconds

COLUMNS = ("file", "frame", "time", *ROW_COLUMNS)
Row = tuple[str, int, float, int, float, str, float, float, float, bool, float | None]


def iterate_rows(file: str, poses: Poses, *, frame: int = 0, time: float = 0.0) -> Iterator[Row]:
    """Rows of the people in one picture or frame, columns `COLUMNS`.

    A picture is frame 0 at time 0 of its file, so that no column has to be empty and (file, frame) is a key. Seconds
    and scores are rounded as in JSON, so that a join and a threshold give the same in every form; x, y and `error` are
    not. An error that is not known is None.
    """
    for person, person_score, keypoint, x, y, score, interpolated, error in poses.to_rows():
        yield (
            file, frame, round_seconds(time), person, round(person_score, 4), keypoint, x, y, round(score, 4),
            interpolated, None if isnan(error) else error,
        )  # fmt: skip
