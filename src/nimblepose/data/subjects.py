"""What the labelled subjects of a set are like: how large, how near their keypoints are, how they lie."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.geometry import Size
from nimblepose.core.mirror_names import guess_mirror_pairs
from nimblepose.core.skeleton import Skeleton
from nimblepose.data.coco import Record

_LOOP = 1.5  # times that a limb may be longer, if it closes no loop
_FEW = 5  # subjects in which a pair of keypoints must be labelled, for its distance to say anything


@dataclass(frozen=True, eq=False)
class Subjects:
    """N labelled subjects in P pictures, K keypoints each.

    Lengths are in heights of the picture, so that they say what a network sees at an input height.

    Attributes:
        names: Of the keypoints.
        xy: (N, K, 2) places; NaN where not labelled.
        sizes: (N,) longer side of the box around the labelled keypoints.
        areas: (N,) as the file says, or half of the box.
        most: Subjects in a picture, at most.
        pictures: How many have somebody.
        size: (height, width) in pixels, the median of the pictures.
    """

    names: tuple[str, ...]
    xy: NDArray[np.float64]
    sizes: NDArray[np.float64]
    areas: NDArray[np.float64]
    most: int
    pictures: int
    size: Size

    @cached_property
    def distances(self) -> NDArray[np.float64]:
        """(K, K) median distance of each two keypoints; NaN on the diagonal, and where too few subjects have both."""
        apart = np.linalg.norm(self.xy[:, :, None] - self.xy[:, None], axis=-1)
        known = (~np.isnan(apart)).sum(axis=0) >= min(_FEW, len(self.xy))
        np.einsum("nkk->nk", apart)[:] = np.nan
        known &= ~np.eye(len(self.names), dtype=bool)
        found = np.full(known.shape, np.nan)
        found[known] = np.nanmedian(apart[:, known], axis=0)
        return found

    @cached_property
    def together(self) -> NDArray[np.float64]:
        """(K, K) share of the subjects in which both keypoints are labelled."""
        labelled = (~np.isnan(self.xy[..., 0])).astype(np.float64)
        return np.asarray(labelled.T @ labelled / max(1, len(labelled)))

    @property
    def nearest(self) -> tuple[str, str, float]:
        """The two keypoints that lie nearest to each other, and how near; NaN where no two are labelled together."""
        distances = self.distances
        if np.isnan(distances).all():
            return self.names[0], self.names[-1], math.nan
        a, b = np.unravel_index(int(np.nanargmin(distances)), distances.shape)
        return self.names[a], self.names[b], float(distances[a, b])

    @property
    def spread(self) -> tuple[str, str, float]:
        """The two keypoints that lie furthest apart, and how far directions from one to the other spread, in degrees.

        That is the circular standard deviation; infinite where they point anywhere.
        """
        distances = self.distances
        if np.isnan(distances).all():
            return self.names[0], self.names[-1], math.inf
        a, b = np.unravel_index(int(np.nanargmax(distances)), distances.shape)
        x, y = (self.xy[:, b] - self.xy[:, a]).T
        angles = np.arctan2(y, x)
        length = abs(np.nanmean(np.exp(1j * angles)))
        degrees = math.inf if length < 1e-6 else math.degrees(math.sqrt(2 * abs(math.log(min(length, 1.0)))))
        return self.names[a], self.names[b], degrees


def describe_subjects(records: Sequence[Record], names: Sequence[str]) -> Subjects:
    """Gather the labelled subjects of records, whatever limbs their skeleton has.

    Args:
        records: Pictures.
        names: Of the annotated keypoints, in the order of the file.
    """
    xy, areas = [np.zeros((0, len(names), 2))], [np.zeros(0)]
    counts, shapes = [0], []
    for record in records:
        labelled = record.people.labelled
        if not labelled.any():
            continue
        table, height = record.people.keypoints[labelled], record.size[0]
        xy.append(np.where(table[..., 2:] > 0, table[..., :2], np.nan) / height)
        areas.append(record.people.areas[labelled] / height**2)
        counts.append(int(labelled.sum()))
        shapes.append(record.size)
    places = np.concatenate(xy)
    sizes = np.zeros(0)
    if len(places):
        sizes = (np.nanmax(places, axis=1) - np.nanmin(places, axis=1)).max(axis=-1)
    height, width = np.median(shapes, axis=0).round().astype(int).tolist() if shapes else (0, 0)
    return Subjects(tuple(names), places, sizes, np.concatenate(areas), max(counts), len(shapes), (height, width))


def list_pairs_within(subjects: Subjects, limit: float) -> list[tuple[str, str, float]]:
    """Pairs of keypoints that in most subjects lie nearer to each other than a limit, nearest first."""
    distances = subjects.distances
    pairs = [
        (subjects.names[a], subjects.names[b], float(distances[a, b]))
        for a in range(len(subjects.names))
        for b in range(a + 1, len(subjects.names))
        if distances[a, b] < limit
    ]
    return sorted(pairs, key=lambda pair: pair[2])


def propose_skeleton(subjects: Subjects, name: str, limbs: Sequence[tuple[str, str]] = ()) -> Skeleton:
    """Limbs that join what lies near and is seen together, mirror pairs by names, sigmas of about those of people.

    A limb counts as longer, the fewer subjects show both of its ends: a body whose limbs lead through what is often
    hidden falls into parts.

    Args:
        subjects: Whose skeleton it is.
        name: Of the skeleton.
        limbs: Those of somebody who knows better.

    Raises:
        SkeletonError: fewer than two keypoints.
    """
    pairs = guess_mirror_pairs(subjects.names)
    least = 1 / max(1, len(subjects.xy))
    ways = _fill(subjects.distances) / np.maximum(subjects.together, least)
    limbs = tuple(limbs) or join_nearest(ways, subjects.names, pairs)
    return Skeleton(name, subjects.names, limbs, guess_sigmas(subjects), mirror_pairs=pairs)


def join_nearest(
    distances: NDArray[np.float64], names: Sequence[str], pairs: Sequence[tuple[str, str]]
) -> tuple[tuple[str, str], ...]:
    """Limbs that join all keypoints by short ways: a spanning tree whose mirror image is itself.

    A limb and its mirror image come together. Where that closes a loop, a limb that closes none is taken instead if it
    is at most half as long again.

    Args:
        distances: (K, K) symmetric, in any unit.
        names: Of the K keypoints.
        pairs: Of them, which a mirror exchanges.
    """
    order = {name: i for i, name in enumerate(names)}
    mirror = list(range(len(names)))
    for left, right in pairs:
        mirror[order[left]], mirror[order[right]] = order[right], order[left]
    orbits: dict[frozenset[frozenset[int]], list[tuple[int, int]]] = {}
    for a in range(len(names)):
        for b in range(a + 1, len(names)):
            image = (mirror[a], mirror[b])
            both = frozenset({frozenset((a, b)), frozenset(image)})
            orbits.setdefault(both, [(a, b)] if len(both) == 1 else [(a, b), image])
    group, limbs = list(range(len(names))), list[tuple[int, int]]()
    while len(set(group)) > 1:
        choices = []
        for orbit in orbits.values():
            joined = _join(group, orbit)
            gained = len(set(group)) - len(set(joined))
            if gained:
                length = float(np.mean([distances[a, b] for a, b in orbit]))
                choices.append((length * (1 if gained == len(orbit) else _LOOP), orbit, joined))
        _, orbit, group = min(choices, key=lambda choice: choice[0])
        limbs += orbit
    return tuple((names[a], names[b]) for a, b in _direct(limbs, distances, mirror))


def share_joined(subjects: Subjects, limbs: Sequence[tuple[str, str]]) -> float:
    """Share of the subjects in which limbs between labelled keypoints join all of these; NaN of no subjects."""
    order = {name: i for i, name in enumerate(subjects.names)}
    pairs = [(order[a], order[b]) for a, b in limbs]
    labelled = ~np.isnan(subjects.xy[..., 0])
    joined = []
    for seen in labelled:
        group = _join(range(len(order)), [(a, b) for a, b in pairs if seen[a] and seen[b]])
        joined.append(len({group[k] for k in np.flatnonzero(seen)}) <= 1)
    return float(np.mean(joined)) if joined else math.nan


def _join(group: Sequence[int], limbs: Sequence[tuple[int, int]]) -> list[int]:
    joined = list(group)
    for a, b in limbs:
        joined = [joined[a] if g == joined[b] else g for g in joined]
    return joined


def _direct(
    limbs: Sequence[tuple[int, int]], distances: NDArray[np.float64], mirror: Sequence[int]
) -> list[tuple[int, int]]:
    """Every limb away from the middle of the body: from the keypoint nearest to all others that is its own image."""
    own = [k for k in range(len(mirror)) if mirror[k] == k] or list(range(len(mirror)))
    root = min(own, key=lambda k: float(np.nansum(distances[k])))
    depth, reached = {root: 0}, [root]
    for k in reached:
        for a, b in limbs:
            for near, far in ((a, b), (b, a)):
                if near == k and far not in depth:
                    depth[far] = depth[k] + 1
                    reached.append(far)
    ordered = [(a, b) if depth[a] <= depth[b] else (b, a) for a, b in limbs]
    return sorted(ordered, key=lambda limb: depth[limb[0]])


def guess_sigmas(subjects: Subjects) -> tuple[float, ...]:
    """0.05 to 0.07, smaller where another keypoint is near: COCO's eyes have 0.025, hips 0.107."""
    others = ~np.eye(len(subjects.names), dtype=bool)
    nearest = _fill(subjects.distances).min(axis=1, initial=math.inf, where=others)
    root = math.sqrt(float(np.median(subjects.areas))) if len(subjects.areas) else 1.0
    return tuple(round(float(np.clip(0.2 * near / root, 0.05, 0.07)), 3) for near in nearest)


def _fill(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where nobody knows how far two keypoints are apart, further than all that is known."""
    known = ~np.isnan(distances)
    return np.where(known, distances, 2 * distances[known].max() if known.any() else 1.0)
