"""What a form cannot hold, kept in a hidden file beside it, and taken from there when the form is read again.

What somebody has changed meanwhile stays changed: only a body whose keypoints are where they were gets back the rest.
"""

import dataclasses
import gzip
import json
from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path

import numpy as np

from nimblepose.core.errors import DataError
from nimblepose.core.files import write_atomically
from nimblepose.labels.encoding import encode_set
from nimblepose.labels.label_set import Category, Label, LabelledPicture, LabelSet, Skipped
from nimblepose.labels.matching import arrange
from nimblepose.labels.readers.coco import read_file
from nimblepose.results.output_format import round_seconds

_NAME = ".nimblepose-kept.json.gz"
_SAME = 0.02  # pixels; forms round to a hundredth or finer
_SPLITS = ("train", "val", "test")  # folders of YOLO
_Places = dict[str, tuple[float, float]]


def name_sidecar(out: Path) -> Path:
    """The file beside labels that were written into a folder, or as a file."""
    return out / _NAME if out.is_dir() else out.with_name(f".{out.name}{_NAME}")


def write_sidecar(labels: LabelSet, out: Path) -> Path:
    """All that the labels say, beside `out`, which is written.

    Raises:
        MediaError: it cannot be written.
    """
    pictures = [(picture, picture.name, picture.size or (1, 1)) for picture in labels.pictures]
    coco = encode_set(labels.categories, pictures, tool=labels.tool)
    every = (label for picture in labels.pictures for label in picture.labels)
    for label, annotation in zip(every, coco["annotations"], strict=True):
        if label.box is None:
            del annotation["bbox"]  # which was made for it
    path = name_sidecar(out)
    data = json.dumps(coco, ensure_ascii=False, allow_nan=False).encode()
    write_atomically(path, gzip.compress(data, 6, mtime=0))
    return path


def find_sidecar(source: Path) -> Path | None:
    """That of a folder, of a file, or of the folder in which a file (or `*.nwb`, `*.trc`) lies; None: there is none."""
    places = [name_sidecar(source), *([source.parent / _NAME] if source.suffix else [])]
    return next((path for path in places if path.is_file()), None)


def restore(labels: LabelSet, sidecar: Path) -> LabelSet:
    """The labels with what their form could not hold, and the pictures of nobody that it left out.

    A sidecar that cannot be read, or that knows other keypoints, is listed and changes nothing.
    """
    categories: dict[str, Category] = {}
    skipped: list[Skipped] = []
    try:
        kept = read_file(sidecar, sidecar.parent, categories, skipped)
    except DataError as error:
        note = Skipped(str(sidecar), f"{error}; what the form itself says is taken")
        return dataclasses.replace(labels, skipped=(*labels.skipped, note))
    places = {key: picture for picture in kept for key in _list_keys(picture)}
    order = {category.name: category.keypoints for category in labels.categories}
    known = {name: category.keypoints for name, category in categories.items()}
    if new := sorted({n for kind, names in order.items() for n in names if n not in known.get(kind, names)}):
        note = Skipped(str(sidecar), f"keypoints {', '.join(new)} are new; what the form itself says is taken")
        return dataclasses.replace(labels, skipped=(*labels.skipped, note))
    pictures, matched = [], set()
    for picture in labels.pictures:
        before = next((places[key] for key in _list_keys(picture) if key in places), None)
        if before is None:
            fitted = tuple(_fit(label, order[label.category], known) for label in picture.labels)
            pictures.append(dataclasses.replace(picture, labels=fitted))
            continue
        matched.add(before.name)
        restored = _restore_labels(picture.labels, before.labels, order, known)
        pictures.append(
            dataclasses.replace(
                picture, labels=restored, video=before.video, frame=before.frame, time=before.time or picture.time
            )
        )
    mine = {picture.video for picture in pictures}  # of a file per video, the others are not missing
    pictures += [p for p in kept if p.name not in matched and not p.labels and p.video in mine]
    used = {label.category for picture in pictures for label in picture.labels}
    every = [
        *categories.values(),
        *(one for one in labels.categories if one.name not in categories and one.name in used),
    ]
    return dataclasses.replace(labels, categories=tuple(every), pictures=tuple(pictures))


def _list_keys(picture: LabelledPicture) -> Iterator[Hashable]:
    """What a picture may be known by in another form: time and name come first, as frames may be numbered anew."""
    if picture.video and picture.time is not None:
        yield picture.video, "at", round_seconds(picture.time)
    yield picture.name
    yield picture.name.replace("/", "_")
    folder, _, inside = picture.name.partition("/")
    if "/" in inside or folder in _SPLITS:  # which is before what it was called
        yield inside
    if picture.video and picture.frame is not None:
        yield picture.video, picture.frame


def _restore_labels(
    labels: Sequence[Label],
    before: Sequence[Label],
    order: dict[str, tuple[str, ...]],
    known: dict[str, tuple[str, ...]],
) -> tuple[Label, ...]:
    waiting = list(before)
    restored = []
    for label in labels:
        here = _name_places(label, order[label.category])
        same = next((one for one in waiting if _agree(here, _name_places(one, known[one.category]))), None)
        if same is not None:
            waiting.remove(same)
        restored.append(same or _fit(label, order[label.category], known))
    return (*restored, *(one for one in waiting if not one.labelled.any()))


def _fit(label: Label, names: Sequence[str], known: dict[str, tuple[str, ...]]) -> Label:
    """A label that was changed, with the keypoints that its category had before."""
    before = known.get(label.category)
    if before is None or before == tuple(names):
        return label
    return arrange(label, [before.index(name) if name in before else -1 for name in names], len(before))


def _name_places(label: Label, names: Sequence[str]) -> _Places:
    return {
        name: (x, y)
        for name, (x, y), good in zip(names, label.xy.tolist(), np.asarray(label.labelled).tolist(), strict=True)
        if good
    }


def _agree(one: _Places, other: _Places) -> bool:
    return bool(one) and one.keys() == other.keys() and all(
        abs(x - other[name][0]) <= _SAME and abs(y - other[name][1]) <= _SAME for name, (x, y) in one.items()
    )  # fmt: skip
