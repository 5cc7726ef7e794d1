"""CVAT's XML for images: skeletons whose points are outside, occluded or seen. Places count from the corner."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from nimblepose.core.files import make_folder, write_atomically
from nimblepose.core.geometry import to_corner
from nimblepose.labels.label_set import LabelSet
from nimblepose.labels.pictures import place_pictures, require_size
from nimblepose.labels.writer import Writer, list_places


def write(labels: LabelSet, out: Path) -> list[Path]:
    """A folder with `annotations.xml` and `images/`.

    Raises:
        DataError: a picture whose size is not known.
        MediaError: it cannot be written.
    """
    make_folder(out)
    root = ElementTree.Element("annotations")
    ElementTree.SubElement(root, "version").text = "1.1"
    listed = ElementTree.SubElement(ElementTree.SubElement(ElementTree.SubElement(root, "meta"), "task"), "labels")
    order = {category.name: category.keypoints for category in labels.categories}
    for category in labels.categories:
        _add_label(listed, category.name, "skeleton", svg=_draw(category.keypoints, category.limbs))
        for name in category.keypoints:
            _add_label(listed, name, "points", parent=category.name)
    for number, picture in enumerate(labels.pictures):
        size = require_size(picture, "CVAT")
        about = {"id": str(number), "name": picture.name, "width": str(size[1]), "height": str(size[0])}
        image = ElementTree.SubElement(root, "image", about)
        for label in picture.labels:
            if not label.labelled.any():
                continue
            skeleton = ElementTree.SubElement(image, "skeleton", {"label": label.category, "z_order": "0"})
            skeleton.set("source", label.scorer or "manual")
            for name, (x, y, v) in zip(order[label.category], list_places(label), strict=True):
                point = {"label": name, "outside": str(int(v == 0)), "occluded": str(int(v == 1))}
                x, y = to_corner(np.array([x, y])).tolist()
                place = f"{x:.4f},{y:.4f}" if v else "0.0000,0.0000"
                ElementTree.SubElement(skeleton, "points", {**point, "points": place})
    path = out / "annotations.xml"
    write_atomically(path, ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")
    place_pictures(labels, out / "images", lambda picture: picture.name)
    return [path]


def _add_label(listed: ElementTree.Element, name: str, kind: str, **texts: str) -> None:
    label = ElementTree.SubElement(listed, "label")
    for tag, text in {"name": name, "type": kind, **texts}.items():
        ElementTree.SubElement(label, tag).text = text


def _draw(keypoints: tuple[str, ...], limbs: tuple[tuple[str, str], ...]) -> str:
    """The picture of a skeleton, of which CVAT makes its points and edges: points in a row."""
    order = {name: i for i, name in enumerate(keypoints, 1)}
    step = 100 / (len(keypoints) + 1)
    root = ElementTree.Element("svg")
    for a, b in limbs:
        x1, x2 = (f"{order[end] * step:.2f}" for end in (a, b))
        line = {"x1": x1, "y1": "50", "x2": x2, "y2": "50", "data-type": "edge"}
        ElementTree.SubElement(
            root, "line", {**line, "data-node-from": str(order[a]), "data-node-to": str(order[b])}
        )  # fmt: skip
    for name, i in order.items():
        circle = {"r": "1.5", "cx": f"{i * step:.2f}", "cy": "50", "data-type": "element node"}
        ids = {"data-element-id": str(i), "data-node-id": str(i), "data-label-name": name}
        ElementTree.SubElement(root, "circle", circle | ids)
    return "".join(ElementTree.tostring(child, encoding="unicode") for child in root)


WRITER = Writer(
    "cvat", "CVAT (XML for images)", frozenset(("hidden", "scorer", "nobody", "categories", "limbs", "unseen")), write
)
