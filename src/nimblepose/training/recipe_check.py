"""What a recipe makes of its data, before it runs: subjects that samples cannot hold, keypoints that share a cell."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.skeleton import Skeleton
from nimblepose.data.augment import measure_subject
from nimblepose.data.coco import Record, load_records
from nimblepose.data.subjects import describe_subjects, list_pairs_within
from nimblepose.training.recipe import Recipe

_LARGE = 0.1  # of the subjects, that may be larger than samples
_FEW_PAIRS = 3  # that are named


def check_recipe(recipe: Recipe) -> list[str]:
    """Sentences about what will not be learnt as it is meant; empty where nothing was found.

    Raises:
        DataError: annotations that cannot be read.
        SkeletonError: no such skeleton.
    """
    skeleton = Skeleton.load(recipe.data.skeleton)
    annotations, images = recipe.data.annotations, recipe.data.images
    train = load_records([Path(p) for p in annotations], [Path(p) for p in images], skeleton)
    options = recipe.validation
    val = load_records([Path(options.annotations)], [Path(options.images)], skeleton) if options.annotations else []
    return [*_find_faults(recipe, skeleton, train, val)]


def _find_faults(recipe: Recipe, skeleton: Skeleton, train: list[Record], val: list[Record]) -> Iterator[str]:
    stride = recipe.encode.stride
    subjects = describe_subjects(train, skeleton.annotated)
    if not len(subjects.sizes):
        yield "nobody is labelled in the training pictures"
        return
    close = list_pairs_within(subjects, stride / recipe.height)
    if close:
        named = ", ".join(f"{a} and {b} ({d * recipe.height:.1f} pixels)" for a, b, d in close[:_FEW_PAIRS])
        needed = recipe.height * stride * 1.5 / (close[0][2] * recipe.height + 1e-9)
        yield (
            f"keypoints share a cell of {stride} pixels at input height {recipe.height}: {named}"
            f"{' and more' if len(close) > _FEW_PAIRS else ''}; with validation.height={needed:.0f} they lie 1.5 apart"
        )
    sizes = measure_in_samples(recipe, train)
    high = recipe.augment.scale[1]
    larger = float((sizes * high > min(recipe.data.size)).mean())
    if larger > _LARGE:
        yield (
            f"{larger:.0%} of the subjects are larger than samples of {recipe.data.size[0]} x {recipe.data.size[1]} at "
            f"scale {high}: up to {sizes.max() * high:.0f} pixels; make data.size larger, or augment.fill smaller"
        )
    seen = describe_subjects(val, skeleton.annotated).sizes * recipe.height
    if len(seen):
        low, most = np.percentile(sizes, [5, 95]) * recipe.augment.scale
        other = float(((seen < low) | (seen > most)).mean())
        if other > 0.5:
            yield (
                f"validation shows other sizes than training: subjects of {np.median(seen):.0f} pixels at input height "
                f"{recipe.height}, in samples of {low:.0f} to {most:.0f}; change validation.height, or augment.fill"
            )


def measure_in_samples(recipe: Recipe, records: list[Record]) -> NDArray[np.float64]:
    """(N,) longer sides of labelled subjects in samples at scale 1, in input pixels."""
    augment, found = recipe.augment, [np.zeros(0)]
    for record in records:
        xy = record.xy[:, record.skeleton.annotated_indices]
        if not len(xy):
            continue
        longer = (np.nanmax(xy, axis=1) - np.nanmin(xy, axis=1)).max(axis=-1)
        whole = augment.centre == "picture"
        boxes = [record.size if whole else (float(h), float(w)) for _, _, w, h in record.boxes]
        measures = [max(1.0, measure_subject(box, record.size, augment)) for box in boxes]
        found.append(longer * augment.fill * recipe.data.size[0] / np.array(measures))
    return np.concatenate(found)
