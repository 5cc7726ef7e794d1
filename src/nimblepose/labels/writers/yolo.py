"""YOLO-pose in Ultralytics' own layout, `images/train` and `labels/train`, `[K, 3]`, with what its measures need.

A coordinate out of the picture would drop the whole picture there, so such keypoints are written as not labelled.
"""

from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.errors import DataError
from nimblepose.core.files import make_folder, write_atomically
from nimblepose.core.geometry import Size, to_corner
from nimblepose.core.mirror_names import guess_mirror_pairs
from nimblepose.core.skeleton import COCO_17
from nimblepose.labels.label_set import Category, Label, LabelSet
from nimblepose.labels.pictures import place_pictures, require_size
from nimblepose.labels.writer import Writer

_LEAST_SIDE = 8.0  # pixels of a box that nobody drew: one cell of a network's finest map
_MOST_ELONGATED = 10.0  # its sides


def write(labels: LabelSet, out: Path) -> list[Path]:
    """A folder.

    Raises:
        DataError: categories with unlike numbers of keypoints, or a picture whose size is not known.
        MediaError: it cannot be written.
    """
    import yaml

    counts = {len(category.keypoints) for category in labels.categories}
    if len(counts) != 1:
        raise DataError(f"YOLO-pose has one number of keypoints for all categories, these have {sorted(counts)}")
    numbers = {category.name: i for i, category in enumerate(labels.categories)}
    make_folder(out)
    for picture in labels.pictures:
        size = require_size(picture, "YOLO-pose")
        lines = [encode_line(one, numbers[one.category], size) for one in picture.labels if one.labelled.any()]
        path = (out / "labels" / "train" / PurePosixPath(picture.name)).with_suffix(".txt")
        make_folder(path.parent)
        write_atomically(path, "".join(f"{line}\n" for line in lines).encode(), durable=False)
    place_pictures(labels, out / "images" / "train", lambda picture: picture.name)
    about = {
        "path": ".",
        "train": "images/train",
        "val": "images/train",
        "names": {number: name for name, number in numbers.items()},
        "kpt_shape": [counts.pop(), 3],
        "flip_idx": _flip(labels.categories[0]),
        "kpt_names": {numbers[category.name]: list(category.keypoints) for category in labels.categories},
        "kpt_oks_sigmas": _list_sigmas(labels.categories[0]),
    }
    write_atomically(out / "data.yaml", yaml.safe_dump(about, sort_keys=False, allow_unicode=True).encode())
    return [out / "data.yaml"]


def encode_line(label: Label, number: int, size: Size) -> str:
    """Class, box around the keypoints and keypoints, as fractions of the picture of `size`."""
    scale = np.array([size[1], size[0]], np.float64)
    places = to_corner(label.xy) / scale
    inside = np.asarray(label.labelled & ((places >= 0) & (places <= 1)).all(axis=1))
    places = np.where(inside[:, None], places, 0)
    flags = np.where(inside, label.visibility, 0)
    box = np.zeros(4)
    if label.box is not None and min(label.box[2:]) > 0:
        box = np.concatenate([label.box[:2], label.box[:2] + label.box[2:]]) / np.tile(scale, 2)
    elif inside.any():
        box = _surround(places[inside] * scale) / np.tile(scale, 2)
    low, high = np.clip(box[:2], 0, 1), np.clip(box[2:], 0, 1)
    numbers = np.concatenate([(low + high) / 2, high - low, np.column_stack([places, flags]).ravel()])
    return f"{number} " + " ".join(f"{value:.9g}" for value in numbers.tolist())


def _surround(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Corners (x, y, x, y) of a box around keypoints (N, 2) in pixels, which is flat in no direction.

    Training with Ultralytics (8.4: mosaic and perspective) drops animals whose boxes have no area, or less than two
    pixels in a direction: of whom one keypoint is labelled, or all in a row.
    """
    low, high = places.min(axis=0), places.max(axis=0)
    least = max(_LEAST_SIDE, float((high - low).max()) / _MOST_ELONGATED)
    aside = np.maximum(least - (high - low), 0) / 2
    return np.concatenate([low - aside, high + aside])


def _flip(category: Category) -> list[int]:
    order = {name: i for i, name in enumerate(category.keypoints)}
    flip = list(range(len(order)))
    for a, b in guess_mirror_pairs(category.keypoints):
        flip[order[a]], flip[order[b]] = order[b], order[a]
    return flip


def _list_sigmas(category: Category) -> list[float]:
    if category.keypoints == COCO_17.keypoints:
        return list(COCO_17.oks_sigmas)
    return [round(1 / len(category.keypoints), 6)] * len(category.keypoints)


WRITER = Writer(
    "yolo", "YOLO-pose (Ultralytics)", frozenset(("hidden", "boxes", "nobody", "categories", "unseen")), write
)
