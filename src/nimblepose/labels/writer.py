"""What a writer of labels is, and what it cannot hold."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from nimblepose.core.geometry import to_corner
from nimblepose.labels.label_set import Floats, Label, LabelSet

Fact = Literal[
    "hidden", "names", "scorer", "scores", "boxes", "crowds", "frames", "nobody", "categories", "limbs", "unseen"
]  # fmt: skip
"""What labels may say beside where a keypoint is."""


@dataclass(frozen=True)
class Writer:
    """Writes labels as one tool has them; `nimblepose.labels.writers.WRITERS` is the table of them."""

    name: str  # as `--to` takes it
    help: str  # whose, in a few words
    holds: frozenset[Fact]
    write: Callable[[LabelSet, Path], list[Path]]  # labels and a file or folder; returns what it wrote
    ending: str = ""  # of the file; "": a folder


def list_losses(labels: LabelSet, writer: Writer) -> list[str]:
    """A sentence about everything that the labels say and that the writer's form cannot hold."""
    every = [label for picture in labels.pictures for label in picture.labels]
    pictures = labels.pictures
    found: dict[Fact, tuple[int, str]] = {
        "hidden": (sum(int((one.visibility == 1).sum()) for one in every), "hidden keypoints become seen ones"),
        "names": (sum(bool(one.identity) for one in every), "names of animals are lost"),
        "scorer": (sum(bool(one.scorer) for one in every), "names of who labelled are lost"),
        "scores": (sum(_has_scores(one) for one in every), "scores of what a model found are lost"),
        "boxes": (sum(one.box is not None for one in every), "boxes are made anew around the keypoints"),
        "crowds": (sum(not one.labelled.any() for one in every), "labels without keypoints (crowds, boxes) are lost"),
        "frames": (sum(p.frame is not None and bool(p.video) for p in pictures), "numbers of frames are lost"),
        "nobody": (sum(not picture.labels for picture in pictures), "pictures with nobody in them are lost"),
        "categories": (len(labels.categories) if len(labels.categories) > 1 else 0, "categories become one"),
        "unseen": (count_unseen(labels), "keypoints that nobody has labelled are lost"),
        "limbs": (sum(bool(one.limbs) for one in labels.categories), "skeletons lose their limbs"),
    }
    return [f"{count} {what}" for fact, (count, what) in found.items() if count and fact not in writer.holds]


def count_unseen(labels: LabelSet) -> int:
    """How many keypoints of the categories have no place in any picture."""
    seen = {category.name: np.zeros(len(category.keypoints), bool) for category in labels.categories}
    for picture in labels.pictures:
        for label in picture.labels:
            seen[label.category] |= label.labelled
    return sum(int((~flags).sum()) for flags in seen.values())


def _has_scores(label: Label) -> bool:
    return label.score is not None or label.keypoint_scores is not None


def bound_label(label: Label) -> Floats:
    """(2, 2) upper left and lower right corner of the box: that of the label, or around its labelled keypoints.

    In pixels, counted from the corner of the first one.
    """
    if label.box is not None and min(label.box[2:]) > 0:
        return np.array([label.box[:2], label.box[:2] + label.box[2:]])
    corners = to_corner(label.xy[label.labelled])
    return np.array([corners.min(axis=0), corners.max(axis=0)])


def list_places(label: Label) -> list[tuple[float, float, int]]:
    """x, y as pixel centre, and visibility of every keypoint; 0, 0, 0 where it is not labelled."""
    return [
        (float(x), float(y), int(v)) if good else (0.0, 0.0, 0)
        for (x, y), v, good in zip(
            label.xy.tolist(), label.visibility.tolist(), np.asarray(label.labelled), strict=True
        )
    ]
