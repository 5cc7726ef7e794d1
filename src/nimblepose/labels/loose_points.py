"""Bodies of tools that know points by their names alone: what keypoints there are follows from all of them together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from nimblepose.labels.label_set import Category, Floats, Label, LabelledPicture, Skipped, rename
from nimblepose.labels.values import make_label

Place = tuple[float, float, int]  # x, y as pixel centre, visibility


@dataclass(frozen=True, eq=False)
class LooseBody:
    """One body: the points somebody has set, by name."""

    category: str
    points: Mapping[str, Place]
    identity: str = ""
    scorer: str = ""
    box: Floats | None = None
    score: float | None = None
    extra: Mapping[str, object] = field(default_factory=dict)


def name_keypoints(bodies: Iterable[LooseBody], known: Mapping[str, Sequence[str]] | None = None) -> list[Category]:
    """Categories with all names of their points, in the order in which they come; those that are known come first."""
    names: dict[str, dict[str, None]] = {category: dict.fromkeys(listed) for category, listed in (known or {}).items()}
    for body in bodies:
        names.setdefault(body.category, {}).update(dict.fromkeys(body.points))
    return [Category(category, tuple(listed)) for category, listed in names.items() if listed]


def assemble(body: LooseBody, categories: Iterable[Category]) -> Label:
    """The label of a body of one of the categories.

    Raises:
        ValueError: a place that is in no picture.
    """
    category = next(one for one in categories if one.name == body.category)
    table = np.array([body.points.get(name, (np.nan, np.nan, 0)) for name in category.keypoints], np.float64)
    return make_label(
        category.name,
        table[:, :2],
        table[:, 2],
        identity=body.identity,
        scorer=body.scorer,
        box=body.box,
        score=body.score,
        extra=body.extra,
    )


def assemble_pictures(
    found: Iterable[tuple[LabelledPicture, Sequence[LooseBody]]], categories: Iterable[Category], skipped: list[Skipped]
) -> tuple[LabelledPicture, ...]:
    """Pictures by unlike names with their bodies as labels; a body that lies in no picture is listed."""
    pictures = []
    for picture, bodies in found:
        labels = []
        for body in bodies:
            try:
                labels.append(assemble(body, categories))
            except ValueError as error:
                skipped.append(Skipped(picture.name, f"{body.category}: {error}"))
        pictures.append(replace(picture, labels=tuple(labels)))
    return rename(pictures)
