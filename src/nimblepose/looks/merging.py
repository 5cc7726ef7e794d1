"""Together: of several sightings of one person the best stays, and the others help it."""

import numpy as np
from numpy.typing import NDArray

from nimblepose.looks.places import bound
from nimblepose.looks.sightings import Sightings

_SAME = 0.4  # similarity, as OKS, from which on two sightings are of one person
_BODY = 0.53  # area of a person, as OKS counts it, in areas of the box around the keypoints
_LEAST_AREA = 1.0  # square pixels


def merge(sightings: Sightings, oks_sigmas: NDArray[np.floating]) -> Sightings:
    """Each person once, best first.

    Scores are expected OKS, whichever pass or look they come from, so sightings compete: the best stays, those that
    resemble it are gone, and so on.

    Args:
        sightings: Of everything.
        oks_sigmas: (K,) of the skeleton.
    """
    ordered = sightings[np.argsort(-sightings.scores, kind="stable")]
    one, other, likeness = compare(ordered, oks_sigmas)
    kept = choose_best(one, other, likeness > _SAME, len(ordered))
    return ordered[kept]


def compare(
    ordered: Sightings, oks_sigmas: NDArray[np.floating]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.floating]]:
    """How much sightings resemble better ones: P pairs that are near, the better one, the other, and the OKS (P,).

    OKS is over the keypoints that both have, at the size of the better one; completed poses have all. Without a prior
    they must have half of what the one of fewer keypoints has in common.
    """
    boxes = bound(ordered.whole).astype(np.float64)
    extent, middle = boxes[:, 2:] - boxes[:, :2], (boxes[:, 2:] + boxes[:, :2]) / 2
    near = (np.abs(middle[:, None] - middle) <= np.maximum(extent[:, None], extent)).all(axis=-1)
    one, other = np.nonzero(np.triu(near, 1))
    area = np.maximum(_BODY * extent[:, 0] * extent[:, 1], _LEAST_AREA)
    difference = ordered.whole[one] - ordered.whole[other]
    squared = (difference * difference).sum(axis=-1, dtype=np.float64)  # (P, K)
    terms = np.exp(-squared / (2 * area[one, None] * (2 * np.asarray(oks_sigmas)) ** 2))
    common = ~np.isnan(terms)
    found = (~np.isnan(ordered.whole[..., 0])).sum(axis=1)
    needed = np.minimum(found[one], found[other]) / 2
    likeness = np.where(common, terms, 0).sum(axis=1) / np.maximum(np.maximum(common.sum(axis=1), needed), 1)
    return one, other, likeness


def choose_best(
    one: NDArray[np.intp], other: NDArray[np.intp], same: NDArray[np.bool_], count: int
) -> NDArray[np.intp]:
    """Indices of those that resemble nobody better who stays; pairs are sorted by the better one."""
    gone = [False] * count
    for better, worse in zip(one[same].tolist(), other[same].tolist(), strict=True):
        if not gone[better]:
            gone[worse] = True
    return np.flatnonzero(~np.array(gone, bool))
