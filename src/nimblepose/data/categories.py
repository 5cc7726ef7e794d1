"""Which categories of a COCO file are of a skeleton."""

from collections.abc import Mapping
from typing import Any

from nimblepose.core.errors import DataError, SkeletonError
from nimblepose.core.skeleton import BUILT_IN, Skeleton
from nimblepose.data.entries import read_id, shorten


def match_categories(
    coco: Mapping[str, Any], skeleton: Skeleton, source: object, category_id: int | None = None
) -> tuple[int, ...]:
    """Ids of the categories whose keypoints are the skeleton's annotated ones, in the same order; or the given one.

    Raises:
        DataError: there is none, or the given one has other keypoints; the message shows what differs.
    """
    wanted = list(skeleton.annotated)
    known = {}
    for category in coco["categories"]:
        if isinstance(category, Mapping):
            try:
                known[read_id(category.get("id"), "id")] = category
            except ValueError as error:
                if category.get("keypoints") == wanted:
                    raise DataError(f"{source}: id of category {shorten(category.get('name'))}: {error}") from error
    if category_id is not None and category_id not in known:
        names = {key: category.get("name") for key, category in known.items()}
        raise DataError(f"{source}: no category {category_id}; there are {names}")
    asked = {key: c for key, c in known.items() if category_id in (None, key)}
    matching = tuple(key for key, category in asked.items() if category.get("keypoints") == wanted)
    if not matching:
        seen = {str(c.get("name")): c["keypoints"] for c in asked.values() if c.get("keypoints")}
        raise DataError(
            f"{source}: no category has the keypoints of skeleton {skeleton.name!r}, {wanted}, in this order; "
            f"the file has {seen or 'no category with keypoints'}"
        )
    return matching


def find_skeleton(coco: Mapping[str, Any], source: object) -> Skeleton:
    """The skeleton that a file itself speaks of: a built-in one where it has its keypoints, else the category's own.

    Of a category whose limbs are no skeleton (none, or in pieces, as where joints are derived) keypoints are joined in
    their order: good for looking at labels, not for training.

    Raises:
        DataError: no category with keypoints, or several with different ones.
        SkeletonError: the keypoints are no list of names, or a single one.
    """
    named = [c for c in coco["categories"] if isinstance(c, Mapping) and c.get("keypoints")]
    if not named or any(c["keypoints"] != named[0]["keypoints"] for c in named):
        names = [c.get("name") for c in named]
        raise DataError(f"{source}: categories with keypoints are {names or 'none'}; choose with --skeleton")
    for skeleton in BUILT_IN.values():
        if list(skeleton.annotated) == named[0]["keypoints"]:
            return skeleton
    try:
        return Skeleton.from_coco_category(named[0])
    except SkeletonError:
        names = named[0]["keypoints"]
        chain = [[i, i + 1] for i in range(1, len(names))] if isinstance(names, list) else []
        return Skeleton.from_coco_category({**named[0], "skeleton": chain})
