"""Forms of results: a file per video, or, of several, per video and kind of animal, written frame by frame."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from nimblepose.core.errors import SkeletonError
from nimblepose.core.files import make_folder
from nimblepose.core.lone_point import LonePoint
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import BUILT_IN, Skeleton
from nimblepose.labels.encoding import encode_category
from nimblepose.labels.label_set import Category, Label, LabelledPicture, LabelSet
from nimblepose.labels.pictures import find_size
from nimblepose.labels.writer import Fact, Writer
from nimblepose.media.frames import Stamp
from nimblepose.results.formats import FORMATS
from nimblepose.results.output_format import Header, OutputFormat, name_person
from nimblepose.results.whole_files import write_all_or_nothing

RATE = 30.0  # frames per second where nobody says
_NUMBERED = re.compile(r"person(\d{1,9})")
_HOLDS: frozenset[Fact] = frozenset(("frames", "categories"))
_FOR_OTHERS = ("coco", "openpose", "controlnet", "excel")  # forms that say less than one that is here
_NO_ROWS = ("csv", "parquet")  # of frames without anybody
_NAMED = ("dlc", "dlc-h5", "slp", "nwb", "trc", "c3d", "coco-dataset")  # forms with names of people
_NO_SCORES = ("trc", "c3d")
_WITH_ERRORS = ("json", "csv", "parquet", "coco-dataset")  # forms with a place for errors of keypoints
_WITH_LIMBS = ("json", "parquet", "slp", "nwb", "coco-dataset")


def make_skeleton(category: Category) -> Skeleton:
    """The skeleton of a category; keypoints whose limbs hang in pieces are joined in their order.

    Raises:
        SkeletonError: names that cannot be.
    """
    for built in BUILT_IN.values():
        if built.keypoints == category.keypoints:
            return built
    value = encode_category(category, 1)
    if len(category.keypoints) == 1:
        return LonePoint.from_coco_category(value)
    try:
        return Skeleton.from_coco_category(value)
    except SkeletonError:
        count = len(category.keypoints)
        return Skeleton.from_coco_category({**value, "skeleton": [[i, i + 1] for i in range(1, count)]})


def write_results(labels: LabelSet, out: Path, chosen: OutputFormat) -> list[Path]:
    """Files of a format in a folder.

    Raises:
        MediaError: they cannot be written.
        MissingPackageError: the format needs a package that is not installed.
    """
    chosen.check_available()
    make_folder(out)
    groups: dict[str, list[LabelledPicture]] = {}
    for picture in labels.pictures:
        groups.setdefault(picture.video or "pictures", []).append(picture)
    written: list[Path] = []
    for category in labels.categories:
        skeleton = make_skeleton(category)
        for video, pictures in groups.items():
            stem = re.sub(r"[^\w.-]+", "-", video) + (f".{category.name}" if len(labels.categories) > 1 else "")
            written.append(_write_video(out / stem, video, pictures, category.name, skeleton, chosen))
    return written


def _write_video(
    stem: Path, video: str, pictures: Sequence[LabelledPicture], category: str, skeleton: Skeleton, chosen: OutputFormat
) -> Path:
    maker = chosen.video
    if maker is None:
        raise SkeletonError(f"the format {chosen.name} has no form for videos")
    mine = [[one for one in picture.labels if one.category == category and one.labelled.any()] for picture in pictures]
    numbers = number_names(label.identity for labels in mine for label in labels)
    scorer = next((one.scorer for labels in mine for one in labels if one.scorer), "")
    rate = _find_rate(pictures)
    names = {number: name for name, number in numbers.items()}
    header = Header(model=scorer, skeletons=(skeleton,), source=video, rate=rate, names=names)
    with write_all_or_nothing(stem.with_name(stem.name + maker.ending), header, maker.begin) as file:
        for place, labels in _stamp_pictures(pictures, mine, rate):
            file.add(place, make_poses(labels, skeleton, numbers))
        return file.finish()


def number_names(names: Iterable[str]) -> dict[str, int]:
    """A number for each name: that in `person3`, or the first free ones.

    >>> number_names(["bo", "person2", "al", "", "bo"])
    {'person2': 2, 'bo': 1, 'al': 3}
    """
    every = list(dict.fromkeys(name for name in names if name))
    numbers = {name: int(match[1]) for name in every if (match := _NUMBERED.fullmatch(name))}
    numbers = {name: number for name, number in numbers.items() if name == name_person(number)}
    taken, free = set(numbers.values()), 1
    for name in every:
        if name not in numbers:
            while free in taken:
                free += 1
            numbers[name] = free
            taken.add(free)
    return numbers


def _find_rate(pictures: Sequence[LabelledPicture]) -> float:
    timed = [(p.frame, p.time) for p in pictures if p.frame is not None and p.time is not None]
    if len(timed) > 1 and timed[-1][1] > timed[0][1]:
        return round((timed[-1][0] - timed[0][0]) / (timed[-1][1] - timed[0][1]), 6)
    return RATE


def _stamp_pictures(
    pictures: Sequence[LabelledPicture], labels: Sequence[Sequence[Label]], rate: float
) -> Iterator[tuple[Stamp, Sequence[Label]]]:
    """In the order of their frames, each frame once; pictures without a number are counted."""
    indices = [picture.frame for picture in pictures]
    known = [index for index in indices if index is not None]
    if len(known) != len(indices) or len(set(known)) != len(known):
        known = list(range(len(pictures)))
    for at in np.argsort(known, kind="stable").tolist():
        picture = pictures[at]
        time = picture.time if picture.time is not None else known[at] / rate
        name = "" if picture.file is None else picture.name
        yield Stamp(known[at], time, find_size(picture) or (0, 0), name), labels[at]


def make_poses(labels: Sequence[Label], skeleton: Skeleton, numbers: dict[str, int]) -> Poses:
    """Labels of one category as poses: what a person labelled has score 1, whoever has no name gets a number."""
    k = len(skeleton.keypoints)
    if not labels:
        return Poses.empty(skeleton)
    good = np.stack([one.labelled for one in labels])
    xy = np.where(good[..., None], np.stack([one.xy for one in labels]), np.nan).astype(np.float32)
    given = [np.ones(k) if one.keypoint_scores is None else one.keypoint_scores for one in labels]
    scores = np.where(good, np.stack(given), 0).astype(np.float32)
    whole = np.array([1 if one.score is None else one.score for one in labels], np.float32)
    off = None
    if any(one.keypoint_errors is not None for one in labels):
        unknown = np.full(k, np.nan)
        off = np.stack([unknown if one.keypoint_errors is None else one.keypoint_errors for one in labels])
        off = np.where(good, off, np.nan).astype(np.float32)
    ids, taken = [], {numbers[one.identity] for one in labels if one.identity}
    free = max(numbers.values(), default=0)
    for one in labels:
        if one.identity and numbers[one.identity] not in ids:
            ids.append(numbers[one.identity])
            continue
        free += 1
        while free in taken:
            free += 1
        ids.append(free)
    return Poses(skeleton, xy, scores, whole, np.array(ids, np.int64), keypoint_errors=off)


def _make_writer(name: str, chosen: OutputFormat) -> Writer:
    def write(labels: LabelSet, out: Path) -> list[Path]:
        return write_results(labels, out, chosen)

    names: frozenset[Fact] = frozenset(("names",) if chosen.name in _NAMED else ())
    rows: frozenset[Fact] = frozenset(("nobody",) if chosen.name not in _NO_ROWS else ())
    scores: frozenset[Fact] = frozenset(("scores",) if chosen.name not in _NO_SCORES else ())
    unseen: frozenset[Fact] = frozenset(("unseen",) if chosen.name != "csv" else ())
    errors: frozenset[Fact] = frozenset(("errors",) if chosen.name in _WITH_ERRORS else ())
    limbs: frozenset[Fact] = frozenset(("limbs",) if chosen.name in _WITH_LIMBS else ())
    return Writer(name, f"results: {chosen.help}", _HOLDS | names | rows | scores | errors | limbs | unseen, write)


_CHOSEN = {
    {"slp": "slp-results", "dlc": "dlc-results"}.get(chosen.name, chosen.name): chosen
    for chosen in FORMATS
    if chosen.video and chosen.name not in _FOR_OTHERS
}
WRITERS = tuple(_make_writer(name, chosen) for name, chosen in _CHOSEN.items())


def find_format(name: str) -> OutputFormat | None:
    """The format of results that a writer writes; None: it writes labels."""
    return _CHOSEN.get(name)
