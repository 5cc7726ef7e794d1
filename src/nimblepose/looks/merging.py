"""Together: of several sightings of one person the best stays, and the others help it."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from nimblepose.looks.places import bound
from nimblepose.looks.sightings import Sightings

_SAME = 0.4  # similarity, as OKS, from which on two sightings are of one person
_BODY = 0.53  # area of a person, as OKS counts it, in areas of the box around the keypoints
_NEAR = 0.5  # term of OKS from which on two sightings see one keypoint
_EXPECTED = 0.2  # the same of a keypoint that the best lacks and that lies about where it is expected
_COVERED = 0.5  # of the smaller one of two boxes, from which on two ways up are of one person
_OTHERWISE = 0.5  # times its score a sighting competes with that stands otherwise than most of the picture
_DOUBT = 0.8  # times its score whoever does so is worth in the end
_LEAST_AREA = 1.0  # square pixels
_ALIKE = 0.8  # of the errors of two sightings of a keypoint, that are the same: one network, one annotator


def merge(sightings: Sightings, oks_sigmas: NDArray[np.floating]) -> Sightings:
    """Each person once, best first.

    Scores are expected OKS, whichever pass or look they come from, so sightings compete: the best stays, those that
    resemble it are gone, and so on. Whoever is seen in several ways up at one place stands only one of them, sooner as
    the others of the picture do.

    Args:
        sightings: Of everything.
        oks_sigmas: (K,) of the skeleton.
    """
    people = _compete(sightings, sightings.scores, oks_sigmas)
    if not (sightings.turns != sightings.turns[:1]).any():  # as in every picture that was not turned
        return people
    way = tell_way(people)
    weights = np.where(sightings.turns == way, sightings.scores, _OTHERWISE * sightings.scores)
    people = _compete(sightings, weights, oks_sigmas)
    scores = np.where(people.turns == way, people.scores, _DOUBT * people.scores).astype(np.float32)
    return dataclasses.replace(people, scores=scores)[np.argsort(-scores, kind="stable")]


def tell_way(people: Sightings) -> int:
    """The quarter turns in which most people of a picture stand upright; the surer ones count more."""
    return int(np.bincount(people.turns, np.square(people.scores, dtype=np.float64), minlength=1).argmax())


def _compete(sightings: Sightings, weights: NDArray[np.floating], oks_sigmas: NDArray[np.floating]) -> Sightings:
    """The sightings that stay, the greatest weights (N,) first."""
    ordered = sightings[np.argsort(-weights, kind="stable")]
    one, other, likeness = compare(ordered, oks_sigmas)
    same = (likeness > _SAME) | are_crosswise(ordered, one, other)
    best = choose_best(one, other, same, len(ordered))
    return fuse(ordered, best, oks_sigmas)


def compare(
    ordered: Sightings, oks_sigmas: NDArray[np.floating]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.floating]]:
    """How much sightings resemble better ones: P pairs that are near, the better one, the other, and the OKS (P,).

    OKS is over the keypoints that both have, at the size of the better one; completed poses have all. Without a prior
    they must have half of what the one of fewer keypoints has in common.
    """
    boxes = bound(ordered.whole).astype(np.float64)
    extent, middle = boxes[:, 2:] - boxes[:, :2], (boxes[:, 2:] + boxes[:, :2]) / 2
    near = (np.abs(middle[:, None] - middle) <= np.maximum(extent[:, None], extent) / 2).all(axis=-1)
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


def are_crosswise(ordered: Sightings, one: NDArray[np.intp], other: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which pairs (P,) were seen in pictures turned differently, and lie on each other.

    Of somebody upright a turned picture often shows half a pose that resembles the right one in no keypoint.
    """
    differ = ordered.turns[one] != ordered.turns[other]
    if not differ.any():  # as in every picture that was not turned
        return np.asarray(differ)
    boxes = bound(ordered.whole).astype(np.float64)
    low, high = np.maximum(boxes[one, :2], boxes[other, :2]), np.minimum(boxes[one, 2:], boxes[other, 2:])
    common = np.maximum(high - low, 0).prod(axis=1)
    areas = np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(axis=1), _LEAST_AREA)
    covered = common > _COVERED * np.minimum(areas[one], areas[other])
    return np.asarray(differ & covered)


def choose_best(
    one: NDArray[np.intp], other: NDArray[np.intp], same: NDArray[np.bool_], count: int
) -> NDArray[np.intp]:
    """Of each sighting the best one of the same person who stays, (N,); who stays has their own index.

    Args:
        one: The better ones of pairs, which are sorted by them.
        other: The others of the pairs.
        same: Which pairs are one person.
        count: N.
    """
    best = list(range(count))
    for better, worse in zip(one[same].tolist(), other[same].tolist(), strict=True):
        if best[better] == better and best[worse] == worse:
            best[worse] = better
    return np.array(best, np.intp)


def fuse(ordered: Sightings, best: NDArray[np.intp], oks_sigmas: NDArray[np.floating]) -> Sightings:
    """Those who stay, with what the others have seen of them.

    A keypoint that several see at about the same place is put at the mean, each weighted by its peak and by the square
    of how closely it was seen; one that the best lacks is taken from the others, if it is about where it is expected.
    The error to expect is that of such a mean of sightings whose errors resemble each other.

    Args:
        ordered: Sightings, best first.
        best: From `choose_best`.
        oks_sigmas: (K,).
    """
    kept = np.flatnonzero(best == np.arange(len(best)))
    people = ordered[kept]
    others = np.flatnonzero(best != np.arange(len(best)))
    if not len(others):
        return people
    place = np.full(len(best), -1)
    place[kept] = np.arange(len(kept))
    owner = place[best[others]]
    boxes = bound(people.whole)
    area = np.maximum(_BODY * (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]), _LEAST_AREA)
    scale = 2 * area[owner, None] * (2 * np.asarray(oks_sigmas)) ** 2
    seen = ordered[others]
    off = seen.keypoints - people.whole[owner]
    near = np.exp(-(off * off).sum(axis=-1) / scale)
    lacks = np.isnan(people.keypoints[owner, :, 0])
    helps = np.where(lacks, near > _EXPECTED, near > _NEAR)  # NaN: neither
    weights = np.where(helps, seen.heights / seen.grain[:, None] ** 2, 0)
    own = people.heights / people.grain[:, None] ** 2
    total, sums = own.astype(np.float64), np.nan_to_num(people.keypoints) * own[..., None].astype(np.float64)
    np.add.at(total, owner, weights)
    np.add.at(sums, owner, np.nan_to_num(seen.keypoints) * weights[..., None])
    heights = people.heights.copy()
    np.maximum.at(heights, owner, np.where(helps, seen.heights, 0))
    error = own * np.nan_to_num(people.errors)
    squares, added = error * error, weights * np.nan_to_num(seen.errors)
    np.add.at(error, owner, added)
    np.add.at(squares, owner, added * added)
    there = total > 0
    keypoints = np.where(there[..., None], sums / np.where(there, total, 1)[..., None], np.nan).astype(np.float32)
    whole = np.where(there[..., None], keypoints, people.whole)
    mean = np.sqrt(_ALIKE * error * error + (1 - _ALIKE) * squares) / np.where(there, total, 1)
    errors = np.where(there & (error > 0), mean, np.nan).astype(np.float32)
    return dataclasses.replace(people, keypoints=keypoints, whole=whole, heights=heights, errors=errors)
