"""Tools of movement science write a file for each person: those of a folder are of one video, and become its frames."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from nimblepose.core.errors import DataError
from nimblepose.labels.label_set import Category, Floats, Label, LabelledPicture, LabelSet, Skipped
from nimblepose.labels.reader import Reader
from nimblepose.labels.values import list_files, make_label

Rows = Iterable[tuple[int, float, Floats]]
"""Frame, seconds and places (K, 2) as pixel centres, NaN where nothing was found; of each frame once."""
Parse = Callable[[Path, list[Skipped]], tuple[tuple[str, ...], Rows]]
"""Gives keypoints and rows of a file; takes a list for what it cannot take."""


def make_reader(tool: str, whose: str, parse: Parse) -> Reader:
    """The reader of files `*.TOOL`: of one, or of a folder of those of the people of one video.

    It raises `DataError` where there is no file, where one cannot be read, and of people with unlike keypoints.
    """
    return Reader(
        tool, whose, lambda source: bool(list_files(source, f".{tool}")), lambda source: _merge(tool, source, parse)
    )


def _merge(tool: str, source: Path, parse: Parse) -> LabelSet:
    """Everybody in the files, by what their names end in."""
    files = list_files(source, f".{tool}")
    if not files:
        raise DataError(f"{source}: no {tool.upper()} file")
    keypoints: tuple[str, ...] = ()
    frames: dict[int, tuple[float, list[Label]]] = {}
    skipped: list[Skipped] = []
    for path in files:
        names, rows = parse(path, skipped)
        if keypoints and names != keypoints:
            raise DataError(f"{path}: keypoints {', '.join(names)}, the files before have {', '.join(keypoints)}")
        keypoints = names
        who = path.stem.rpartition("_")[2] if len(files) > 1 or "_" in path.stem else ""
        for frame, time, places in rows:
            labels = frames.setdefault(frame, (time, []))[1]
            if np.isfinite(places).any():
                labels.append(make_label("animal", places, 2, identity=who))
    video = source.stem if source.is_dir() else source.stem.rpartition("_")[0] or source.stem
    pictures = [
        LabelledPicture(f"{video}/{frame:06d}.png", tuple(labels), video=video, frame=frame, time=time)
        for frame, (time, labels) in sorted(frames.items())
    ]
    return LabelSet(tool, (Category("animal", keypoints),), tuple(pictures), tuple(skipped))
