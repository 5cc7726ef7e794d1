"""OKS sigmas from people who were annotated twice.

COCO (cocodataset.org/#keypoints-eval) defines a keypoint's sigma by E[d^2 / s^2] = sigma^2: d is how far annotators
deviate from the true place, s^2 the person's area; the similarity then uses 2 sigma. COCO measured it on 5,000
redundantly annotated pictures. Two annotators who deviate independently lie E[D^2 / s^2] = 2 sigma^2 apart, so from
pairs: sigma = sqrt(mean(D^2 / s^2) / 2).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.errors import DataError
from nimblepose.core.skeleton import Skeleton
from nimblepose.data.coco import Record

_SAME_PERSON = 0.25  # median distance of shared keypoints over the root of the area, beyond which it is somebody else
_MIN_SHARED = 2  # keypoints that both annotators must have labelled to tell who is meant
ENOUGH = 30  # pairs of a keypoint; the relative error of sigma is about 1 / (2 sqrt(pairs)), here 9 percent


@dataclass(frozen=True, eq=False)
class SigmaEstimate:
    """What doubly annotated people tell.

    Attributes:
        skeleton: Of both annotators.
        oks_sigmas: (A,) one per annotated keypoint; NaN where no person had it labelled twice.
        pairs: (A,) how many pairs each rests on.
        people: How many people were annotated twice.
    """

    skeleton: Skeleton
    oks_sigmas: NDArray[np.float64]
    pairs: NDArray[np.intp]
    people: int


def estimate_sigmas(
    records: Sequence[Record], again: Sequence[Record] | None = None, *, skeleton: Skeleton
) -> SigmaEstimate:
    """Estimate OKS sigmas from people annotated twice.

    People are paired within a picture by their keypoints, each with the nearest who also has them as the nearest; the
    area is the mean of both. A swap of left and right counts as a deviation, as it does in COCO's definition: mend
    those first (`nimblepose data check`).

    Args:
        records: Annotated pictures.
        again: The same pictures (by file name) by another annotator; None looks for people who stand twice in
            `records`, within one picture or in pictures of the same file name.
        skeleton: Of both.

    Raises:
        DataError: the two have no picture in common.
    """
    columns = skeleton.annotated_indices
    deviations = [np.zeros((0, len(columns)))]
    for first, second in _pair_pictures(records, again):
        distance = _measure_distances(first, second, columns)
        if first is second:
            np.fill_diagonal(distance, np.inf)
        for i, j in _pair_nearest(distance):
            if first is second and i > j:
                continue  # the pair was seen from its other end
            apart = ((first.xy[i, columns] - second.xy[j, columns]).astype(np.float64) ** 2).sum(axis=-1)  # (A,)
            deviations.append(apart[None] / ((first.areas[i] + second.areas[j]) / 2))
    table = np.concatenate(deviations)  # (people, A): squared distance over area, NaN where not labelled twice
    pairs = (~np.isnan(table)).sum(axis=0)
    with np.errstate(invalid="ignore"):
        oks_sigmas = np.sqrt(np.nansum(table, axis=0) / np.where(pairs, pairs, np.nan) / 2)
    return SigmaEstimate(skeleton, oks_sigmas, pairs, len(table))


def find_skeleton(coco: Mapping[str, Any], path: Path) -> Skeleton:
    """The skeleton of the only category with keypoints in a parsed COCO file; `path` is what errors call it.

    Raises:
        DataError: there is none, or more than one.
    """
    categories = [category for category in coco["categories"] if category.get("keypoints")]
    if len(categories) != 1:
        names = [category.get("name") for category in categories]
        raise DataError(f"{path}: categories with keypoints are {names or 'none'}; choose with --skeleton")
    return Skeleton.from_coco_category(categories[0])


def _pair_pictures(records: Sequence[Record], again: Sequence[Record] | None) -> Iterator[tuple[Record, Record]]:
    """Records of one picture, as pairs; a record with itself where people may stand twice in it."""
    by_name: dict[str, list[Record]] = {}
    for record in records:
        by_name.setdefault(record.path.name, []).append(record)
    if again is None:
        for same in by_name.values():
            yield from ((a, b) for i, a in enumerate(same) for b in same[i + 1 :])
            yield from ((a, a) for a in same if len(same) == 1)
        return
    common = [(first, second) for second in again for first in by_name.get(second.path.name, ())]
    if not common:
        raise DataError("the two annotation files have no picture in common; pictures are matched by file_name")
    yield from common


def _measure_distances(first: Record, second: Record, columns: NDArray[np.intp]) -> NDArray[np.float64]:
    """Median distance of the shared keypoints over the root of the mean area, (N, M); inf with too few shared."""
    difference = first.xy[:, None, columns].astype(np.float64) - second.xy[None, :, columns]
    apart = np.linalg.norm(difference, axis=-1)  # (N, M, A)
    shared = (~np.isnan(apart)).sum(axis=-1) >= min(_MIN_SHARED, len(columns))
    median = np.full(shared.shape, np.inf)
    if shared.any():
        median[shared] = np.nanmedian(apart[shared], axis=-1)
    return np.asarray(median / np.sqrt((first.areas[:, None] + second.areas[None]) / 2))


def _pair_nearest(distance: NDArray[np.float64]) -> list[tuple[int, int]]:
    if not distance.size:
        return []
    nearest = distance.argmin(axis=1)
    return [
        (i, j)
        for i, j in enumerate(nearest.tolist())
        if distance[:, j].argmin() == i and distance[i, j] <= _SAME_PERSON
    ]
