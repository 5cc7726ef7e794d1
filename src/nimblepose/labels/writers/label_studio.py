"""Label Studio's JSON: a rectangle per animal, the parent of its points. Places are percent, from the corner."""

import json
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from nimblepose.core.files import make_folder, write_atomically
from nimblepose.core.geometry import Size, to_corner
from nimblepose.labels.label_set import Category, Label, LabelSet
from nimblepose.labels.pictures import place_pictures, require_size
from nimblepose.labels.writer import Writer, bound_label


def write(labels: LabelSet, out: Path) -> list[Path]:
    """A folder with `project.json`, the labelling configuration and the pictures.

    Raises:
        DataError: a picture whose size is not known.
        MediaError: it cannot be written.
    """
    order = {category.name: category for category in labels.categories}
    make_folder(out)
    scores = [one.score is not None for picture in labels.pictures for one in picture.labels]
    all_found = bool(scores) and all(scores)  # then where nobody is nobody was found
    tasks = []
    for number, picture in enumerate(labels.pictures, 1):
        size = require_size(picture, "Label Studio")
        results = [
            r for i, one in enumerate(picture.labels) for r in _encode(one, order[one.category], f"{number}-{i}", size)
        ]
        name = "_".join(PurePosixPath(picture.name).parts)
        found = all(one.score is not None for one in picture.labels) if picture.labels else all_found
        tasks.append(
            {
                "id": number,
                "data": {"img": f"/data/local-files/?d=images/{name}"},
                "predictions" if found else "annotations": [{"id": number, "result": results}],
            }
        )
    path = out / "project.json"
    write_atomically(path, json.dumps(tasks, ensure_ascii=False, allow_nan=False).encode() + b"\n")
    write_atomically(out / "labelling.xml", _encode_configuration(labels).encode())
    place_pictures(labels, out / "images", lambda picture: "_".join(PurePosixPath(picture.name).parts))
    return [path, out / "labelling.xml"]


def _encode(label: Label, category: Category, key: str, size: Size) -> list[dict[str, Any]]:
    if not label.labelled.any():
        return []
    scale = 100 / np.array([size[1], size[0]], np.float64)
    common = {
        "original_width": size[1], "original_height": size[0], "image_rotation": 0, "from_name": "kp", "to_name": "img",
    }  # fmt: skip
    corners = to_corner(label.xy)
    low, high = bound_label(label)
    (x, y), (width, height) = (low * scale).tolist(), ((high - low) * scale).tolist()
    box = {"x": x, "y": y, "width": width, "height": height, "rotation": 0, "rectanglelabels": [category.name]}
    results: list[dict[str, Any]] = [
        {**common, "from_name": "box", "id": key, "type": "rectanglelabels", "value": box}
    ]  # fmt: skip
    for name, (x, y), v, good in zip(
        category.keypoints, (corners * scale).tolist(), label.visibility, label.labelled, strict=True
    ):
        if good:
            value = {"x": x, "y": y, "width": 0.5, "keypointlabels": [name]}
            point = {**common, "id": f"{key}-{name}", "parentID": key, "type": "keypointlabels", "value": value}
            results.append(point | ({"hidden": True} if v == 1 else {}))
    return results


def _encode_configuration(labels: LabelSet) -> str:
    from xml.sax.saxutils import quoteattr

    names = dict.fromkeys(name for category in labels.categories for name in category.keypoints)
    points = "".join(
        f"    <Label value={quoteattr(name)} model_index={quoteattr(str(i))}/>\n" for i, name in enumerate(names)
    )
    boxes = "".join(f"    <Label value={quoteattr(category.name)}/>\n" for category in labels.categories)
    return (
        '<View>\n  <Image name="img" value="$img"/>\n'
        f'  <RectangleLabels name="box" toName="img">\n{boxes}  </RectangleLabels>\n'
        f'  <KeyPointLabels name="kp" toName="img">\n{points}  </KeyPointLabels>\n</View>\n'
    )


WRITER = Writer("label-studio", "Label Studio (JSON)", frozenset(("hidden", "boxes", "nobody", "categories")), write)
