"""What a writer of labels is, and what it cannot hold."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from nimblepose.core.geometry import to_corner
from nimblepose.labels.label_set import Floats, Label, LabelSet

Fact = Literal[
    "hidden", "names", "scorer", "scores", "errors", "boxes", "crowds", "frames", "nobody", "categories", "limbs",
    "unseen",
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


_LOST: Mapping[Fact, str] = {
    "hidden": "hidden keypoints become seen ones",
    "names": "names of animals are lost",
    "scorer": "names of who labelled are lost",
    "scores": "scores of what a model found are lost",
    "errors": "animals lose by how much their keypoints may be off",
    "boxes": "boxes are made anew around the keypoints",
    "crowds": "labels without keypoints (crowds, boxes) are lost",
    "frames": "numbers of frames are lost",
    "nobody": "pictures with nobody in them are lost",
    "categories": "categories become one",
    "unseen": "keypoints that nobody has labelled are lost",
    "limbs": "skeletons lose their limbs",
}


def list_losses(labels: LabelSet, writer: Writer) -> list[str]:
    """A sentence about everything that the labels say and that the writer's form cannot hold."""
    every = [label for picture in labels.pictures for label in picture.labels]
    pictures = labels.pictures
    counts: dict[Fact, int] = {
        "hidden": sum(int((one.visibility == 1).sum()) for one in every),
        "names": sum(bool(one.identity) for one in every),
        "scorer": sum(bool(one.scorer) for one in every),
        "scores": sum(_has_scores(one) for one in every),
        "errors": sum(_has_errors(one) for one in every),
        "boxes": sum(one.box is not None for one in every),
        "crowds": sum(not one.labelled.any() for one in every),
        "frames": sum(p.frame is not None and bool(p.video) for p in pictures),
        "nobody": sum(not picture.labels for picture in pictures),
        "categories": len(labels.categories) if len(labels.categories) > 1 else 0,
        "unseen": count_unseen(labels),
        "limbs": sum(bool(one.limbs) for one in labels.categories),
    }
    return tell_losses(counts, writer)


def tell_losses(counts: Mapping[Fact, int], writer: Writer) -> list[str]:
    """A sentence about every fact that there is and that the writer's form cannot hold."""
    return [f"{counts[fact]} {what}" for fact, what in _LOST.items() if counts.get(fact) and fact not in writer.holds]


def count_unseen(labels: LabelSet) -> int:
    """How many keypoints of the categories have no place in any picture."""
    seen = {category.name: np.zeros(len(category.keypoints), bool) for category in labels.categories}
    for picture in labels.pictures:
        for label in picture.labels:
            seen[label.category] |= label.labelled
    return sum(int((~flags).sum()) for flags in seen.values())


def _has_scores(label: Label) -> bool:
    return label.score is not None or label.keypoint_scores is not None


def _has_errors(label: Label) -> bool:
    return label.keypoint_errors is not None and bool(np.isfinite(label.keypoint_errors).any())


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
