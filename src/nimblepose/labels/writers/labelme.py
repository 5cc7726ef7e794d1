"""Labelme: a JSON beside each picture. `imageData` is there and null, group ids are numbers, flags true or false."""

import json
from pathlib import Path, PurePosixPath
from typing import Any

from nimblepose.core.files import make_folder, write_atomically
from nimblepose.core.geometry import to_corner
from nimblepose.labels.label_set import Category, Label, LabelSet
from nimblepose.labels.pictures import place_pictures, require_size
from nimblepose.labels.writer import Writer, bound_label

_VERSION = "7.9.1"


def write(labels: LabelSet, out: Path) -> list[Path]:
    """A folder.

    Raises:
        DataError: a picture whose size is not known.
        MediaError: it cannot be written.
    """
    order = {category.name: category for category in labels.categories}
    make_folder(out)
    for picture in labels.pictures:
        size = require_size(picture, "Labelme")
        shapes: list[dict[str, Any]] = []
        for group, label in enumerate(picture.labels, 1):
            shapes += _encode(label, order[label.category], group)
        name = PurePosixPath(picture.name)
        content: dict[str, Any] = {
            "version": _VERSION,
            "flags": {},
            "shapes": shapes,
            "imagePath": name.name,
            "imageData": None,
            "imageHeight": size[0],
            "imageWidth": size[1],
        }
        path = (out / name).with_suffix(".json")
        make_folder(path.parent)
        write_atomically(path, json.dumps(content, indent=2, allow_nan=False).encode(), durable=False)
    place_pictures(labels, out, lambda picture: picture.name)
    return [out]


def _encode(label: Label, category: Category, group: int) -> list[dict[str, Any]]:
    shape = {"group_id": group, "description": label.identity, "mask": None}
    corners = to_corner(label.xy).tolist()
    points = [
        {**shape, "label": name, "points": [corner], "shape_type": "point", "flags": {"hidden": bool(v == 1)}}
        for name, corner, v, good in zip(category.keypoints, corners, label.visibility, label.labelled, strict=True)
        if good
    ]
    if not points:
        return []
    edges = bound_label(label).tolist()
    return [{**shape, "label": category.name, "points": edges, "shape_type": "rectangle", "flags": {}}, *points]


WRITER = Writer("labelme", "Labelme", frozenset(("hidden", "boxes", "nobody", "categories")), write)
