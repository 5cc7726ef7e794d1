"""The same labels in the order and by the names of a skeleton: keypoints are matched by name, never by their place."""

import dataclasses
import re

import numpy as np

from nimblepose.core.errors import SkeletonError
from nimblepose.core.skeleton import Skeleton
from nimblepose.labels.label_set import Category, Label, LabelSet, Skipped


def match_skeleton(labels: LabelSet, skeleton: Skeleton, *, whole: bool = False) -> LabelSet:
    """Labels with the annotated keypoints of a skeleton, in their order.

    Names agree if they do but for capitals, spaces and punctuation. A keypoint that a category lacks is not labelled;
    one that the skeleton lacks is left out and listed.

    Args:
        labels: Of any categories; those of which no keypoint is of the skeleton stay as they are.
        skeleton: Whose order and names are wanted.
        whole: Only categories that have exactly its keypoints.

    Raises:
        SkeletonError: no category has a keypoint of it, or two of a category would be one.
    """
    wanted = {_simplify(name): i for i, name in enumerate(skeleton.annotated)}
    skipped = list(labels.skipped)
    orders: dict[str, list[int]] = {}
    categories = []
    for category in labels.categories:
        places = [wanted.get(_simplify(name), -1) for name in category.keypoints]
        known = [place for place in places if place >= 0]
        if not known or (whole and (len(known), len(places)) != (len(wanted),) * 2):
            categories.append(category)
            continue
        if len(set(known)) != len(known):
            raise SkeletonError(
                f"category {category.name!r}: two keypoints of it are one of skeleton {skeleton.name!r}"
            )
        if left := [name for name, place in zip(category.keypoints, places, strict=True) if place < 0]:
            skipped.append(
                Skipped(category.name, f"keypoints {', '.join(left)} are not of skeleton {skeleton.name!r}: left out")
            )
        orders[category.name] = places
        limbs = tuple(limb for limb in skeleton.limbs if set(limb) <= set(skeleton.annotated))
        categories.append(Category(category.name, skeleton.annotated, limbs))
    if not orders and not whole:
        seen = {category.name: list(category.keypoints) for category in labels.categories}
        raise SkeletonError(f"no category has a keypoint of skeleton {skeleton.name!r}; there are {seen}")
    pictures = tuple(
        dataclasses.replace(
            picture,
            labels=tuple(arrange(one, orders.get(one.category), len(skeleton.annotated)) for one in picture.labels),
        )
        for picture in labels.pictures
    )
    return dataclasses.replace(labels, categories=tuple(categories), pictures=pictures, skipped=tuple(skipped))


def arrange(label: Label, places: list[int] | None, count: int) -> Label:
    """A label whose keypoints lie at other places of a category of `count` keypoints; -1: not there. None: as it is."""
    if places is None:
        return label
    kept = [(at, place) for at, place in enumerate(places) if place >= 0]
    old, new = [at for at, _ in kept], [place for _, place in kept]
    xy, flags, scores = np.full((count, 2), np.nan), np.zeros(count, np.int64), np.zeros(count)
    xy[new], flags[new] = label.xy[old], label.visibility[old]
    errors = None
    if label.keypoint_errors is not None:
        errors = np.full(count, np.nan)
        errors[new] = label.keypoint_errors[old]
    if label.keypoint_scores is None:
        return dataclasses.replace(label, xy=xy, visibility=flags, keypoint_errors=errors)
    scores[new] = label.keypoint_scores[old]
    return dataclasses.replace(label, xy=xy, visibility=flags, keypoint_scores=scores, keypoint_errors=errors)


def _simplify(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()
