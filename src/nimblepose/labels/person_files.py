"""Tools of movement science write a file for each person: those of a folder are of one video, and become its frames."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from nimblepose.core.errors import DataError
from nimblepose.labels.label_set import Category, Floats, Label, LabelledPicture, LabelSet, Skipped
from nimblepose.labels.values import make_label

Rows = Iterable[tuple[int, float, Floats]]
"""Frame, seconds and places (K, 2) as pixel centres, NaN where nothing was found; of each frame once."""


def merge_people(
    tool: str, source: Path, files: list[Path], parse: Callable[[Path, list[Skipped]], tuple[tuple[str, ...], Rows]]
) -> LabelSet:
    """Everybody in the files, by what their names end in.

    Args:
        tool: As `--from` takes it.
        source: The file or folder that was given.
        files: In order.
        parse: Gives keypoints and rows of a file; takes a list for what it cannot take.

    Raises:
        DataError: there is no file, or one cannot be read; people with unlike keypoints.
    """
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
