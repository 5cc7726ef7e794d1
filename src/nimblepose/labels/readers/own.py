"""Results of our own, as labels: what was seen is 2, what was put in place 1. COCO results alone are none."""

import csv
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

from nimblepose.core.errors import DataError
from nimblepose.core.lone_point import LonePoint
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import BUILT_IN, Skeleton
from nimblepose.labels.label_set import Category, Label, LabelledPicture, LabelSet, Skipped, rename
from nimblepose.labels.reader import Reader
from nimblepose.labels.values import check_places
from nimblepose.results.output_format import name_person
from nimblepose.results.reading import ResultsFile
from nimblepose.results.reading_tables import TableFile
from nimblepose.results.tables import COLUMNS

_TABLES = (".csv", ".parquet")
_FIRST_COLUMNS = ",".join(COLUMNS[:-1]).encode()  # also of tables before keypoints had errors


def detect(source: Path) -> bool:
    """A file that `predict` or `track` wrote: JSON, JSON Lines, CSV, Parquet."""
    if not source.is_file():
        return False
    if source.suffix in (".parquet", ".jsonl"):
        return True
    try:
        with source.open("rb") as file:
            begin = file.read(200)
    except OSError:
        return False
    head = begin.lstrip(b"\xef\xbb\xbf")
    own = head.startswith(b'{"format":"nimblepose"') or head.startswith(b'{"format": "nimblepose"')
    return head.startswith(_FIRST_COLUMNS) if source.suffix == ".csv" else own


def open_own(source: Path) -> ResultsFile | TableFile:
    """The reader of the form.

    Raises:
        MediaError: it is none of ours, or damaged.
        MissingPackageError: it is Parquet, and PyArrow is not installed.
    """
    if source.suffix not in _TABLES:
        return ResultsFile(source)
    return TableFile(source, _guess_skeleton(source) if source.suffix == ".csv" else None)


def _guess_skeleton(source: Path) -> Skeleton | None:
    """Of a CSV, which holds none: its keypoints in the order in which they come, joined so; None if we know better."""
    try:
        with source.open(encoding="utf-8-sig", newline="") as file:
            names = tuple(dict.fromkeys(row.get("keypoint") or "" for row in csv.DictReader(file)))
    except (OSError, ValueError, csv.Error):
        return None  # it is said where it is read
    known = any(set(names) <= set(built.keypoints) for built in BUILT_IN.values())
    if known or not names or "" in names:
        return None
    return LonePoint("animal", names, ()) if len(names) == 1 else Skeleton("animal", names, tuple(pairwise(names)))


def read(source: Path) -> LabelSet:
    """All results of a file.

    Raises:
        MediaError: it is none of ours, or damaged.
    """
    if source.is_dir():
        raise DataError(f"{source}: give one file of results")
    results = open_own(source)
    header, pictures = results.header, []
    kinds: dict[str, Skeleton] = {}
    skipped: list[Skipped] = []
    for result in results:
        kinds.setdefault(result.poses.skeleton.name, result.poses.skeleton)
        labels = tuple(_make_labels(result.poses, header.model))
        where = f"{source}, frame {result.frame}" if results.is_video else f"{source}, {result.file}"
        labels = tuple(one for one in labels if _lies_somewhere(one, where, skipped))
        if results.is_video:
            video = Path((header.source or "").replace("\\", "/")).stem or source.name.partition(".poses")[0]
            name, found = f"{video}/{result.frame:06d}.png", Path(header.source or video)
            pictures.append(
                LabelledPicture(
                    name, labels, video_file=found, video=video, frame=result.frame, time=result.time,
                    size=result.size,
                )
            )  # fmt: skip
        else:
            file = Path(result.file)
            file = file if file.is_file() else source.parent / file.name
            pictures.append(LabelledPicture(result.file, labels, file=file, size=result.size))
    kinds = kinds or {skeleton.name: skeleton for skeleton in header.skeletons}
    categories = tuple(Category(name, kind.keypoints, kind.limbs) for name, kind in kinds.items())
    if isinstance(results, TableFile) and not results.sizes_known:
        skipped.append(Skipped(str(source), "sizes are not in the file: the smallest that holds all places is taken"))
    return LabelSet("nimblepose", categories, rename(pictures), tuple(skipped))


def _lies_somewhere(label: Label, where: str, skipped: list[Skipped]) -> bool:
    try:
        check_places(label.xy)
    except ValueError as error:
        skipped.append(Skipped(where, str(error)))
        return False
    return True


def _make_labels(poses: Poses, model: str) -> Iterator[Label]:
    seen = poses.seen & ~poses.interpolation_flags
    errors = poses.keypoint_errors
    for i in range(len(poses)):
        found = poses.found[i]
        yield Label(
            poses.skeleton.name,
            poses.keypoints[i].astype(np.float64),
            np.where(found, np.where(seen[i], 2, 1), 0),
            keypoint_scores=poses.keypoint_scores[i].astype(np.float64),
            score=float(poses.scores[i]),
            identity="" if poses.track_ids is None else name_person(int(poses.track_ids[i])),
            scorer=model,
            keypoint_errors=None if errors is None else errors[i].astype(np.float64),
        )


READER = Reader("nimblepose", "nimblepose (results)", detect, read)
