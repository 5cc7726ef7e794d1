"""What is remembered of each person: places, motion, size; all as arrays over T tracks."""

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nimblepose.core.poses import Poses

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

_SIZE = 0.45  # square root of COCO's area, which OKS counts in, per diagonal of the box around the keypoints
_MIN_SIZE = 4.0  # pixels; keypoints that coincide still have a neighbourhood
_VELOCITY_SECONDS = 0.4  # over which motion is averaged: one bad sighting must not throw a track off its way
_COAST_SECONDS = 2.0  # after which a person out of sight has mostly come to rest
_DRIFT = 0.5  # body sizes per second by which nobody knows where a person out of sight is
_DRIFT_OF_NEW = 2.0  # the same of somebody seen once, whose motion is unknown: a walk
_MEMORY_SECONDS = 0.7  # after which a keypoint that is not seen counts for a third
_ENOUGH_SHARED = 3.0  # keypoints; a match on fewer is doubtful


@dataclass(frozen=True)
class Tracks:
    """People who were seen, as arrays; every function returns new ones."""

    ids: NDArray[np.int64]  # (T,); 0 = tentative, without identity
    xy: Floats  # (T, K, 2) pixels at the time last seen; what was missing then has moved along; NaN: never found
    keypoint_times: Floats  # (T, K) seconds, when each keypoint was last found; -inf: never
    times: Floats  # (T,) seconds, when last seen
    velocity: Floats  # (T, 2) pixels per second
    sightings: NDArray[np.int64]  # (T,)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, chosen: Indices | NDArray[np.bool_]) -> "Tracks":
        return Tracks(*(getattr(self, f.name)[chosen] for f in dataclasses.fields(self)))

    def joined(self, other: "Tracks") -> "Tracks":
        """These tracks, then the others."""
        both = ((getattr(self, f.name), getattr(other, f.name)) for f in dataclasses.fields(self))
        return Tracks(*(np.concatenate(pair) for pair in both))

    def expected(self, time: float) -> Floats:
        """Where the keypoints should be by now, (T, K, 2): on their way at a speed that dies away."""
        coasted = _COAST_SECONDS * -np.expm1(-(time - self.times) / _COAST_SECONDS)  # seconds at full speed
        return np.asarray(self.xy + (self.velocity * coasted[:, None])[:, None])

    def similarity(self, poses: Poses, time: float) -> Floats:
        """How well each track explains each of N people found, (T, N) in [0, 1].

        OKS to the expected place over the keypoints that both have, weighted by how surely each was found and how
        lately it was seen; who was out of sight may have drifted, so that the tolerance grows with time.
        """
        gap = time - self.times
        size = body_sizes(self.xy)
        tolerance = (2 * np.asarray(poses.skeleton.oks_sigmas) * size[:, None]) ** 2
        drift = _DRIFT + (_DRIFT_OF_NEW - _DRIFT) / self.sightings
        tolerance += ((drift * size * gap) ** 2)[:, None]  # (T, K)
        difference = self.expected(time)[:, None] - poses.keypoints[None]  # (T, N, K, 2)
        squared = np.einsum("tnkc,tnkc->tnk", difference, difference)
        with np.errstate(under="ignore"):
            likeness = np.nan_to_num(np.exp(-squared / (2 * tolerance[:, None])), copy=False)
            fresh = np.exp(-(self.times[:, None] - self.keypoint_times) / _MEMORY_SECONDS)  # (T, K); 0 if never
        weights = fresh[:, None] * np.where(poses.found, poses.keypoint_scores, 0.0)  # (T, N, K)
        total = weights.sum(-1)
        shared = ((fresh > 0)[:, None] & poses.found).sum(-1)
        mean = (weights * likeness).sum(-1) / np.maximum(total, 1e-9)
        return np.asarray(mean * np.minimum(1.0, shared / _ENOUGH_SHARED))

    def seen(self, poses: Poses, time: float) -> "Tracks":
        """The tracks after each was found again: N = T people in the same order."""
        old, new, found = self.xy, poses.keypoints.astype(np.float64), poses.found
        shift = _middle(new - old)
        elapsed = np.maximum(time - self.times, 1e-3)
        gain = np.maximum(-np.expm1(-elapsed / _VELOCITY_SECONDS), 1 / self.sightings)
        velocity = self.velocity + gain[:, None] * (shift / elapsed[:, None] - self.velocity)
        return Tracks(
            ids=self.ids,
            xy=np.where(found[..., None], new, old + shift[:, None]),
            keypoint_times=np.where(found, time, self.keypoint_times),
            times=np.full(len(self), time),
            velocity=velocity,
            sightings=self.sightings + 1,
        )

    def named(self, ids: ArrayLike) -> "Tracks":
        """The same tracks with other identities."""
        return dataclasses.replace(self, ids=np.asarray(ids, np.int64))


def body_sizes(xy: NDArray[np.floating]) -> Floats:
    """Square roots of the areas of bodies, in pixels, (T,), from (T, K, 2) keypoints: the unit of OKS.

    By the diagonal of the box around the keypoints, which changes less than its area when somebody turns sideways.
    """
    low, high = np.fmin.reduce(xy, axis=1), np.fmax.reduce(xy, axis=1)  # NaN only where a body has no keypoint
    diagonal = np.hypot(*(high - low).T.astype(np.float64))
    return np.asarray(np.fmax(_SIZE * diagonal, _MIN_SIZE))


def started(poses: Poses, time: float) -> Tracks:
    """Tentative tracks of people seen for the first time."""
    n = len(poses)
    return Tracks(
        ids=np.zeros(n, np.int64),
        xy=poses.keypoints.astype(np.float64),
        keypoint_times=np.where(poses.found, time, -np.inf),
        times=np.full(n, time),
        velocity=np.zeros((n, 2)),
        sightings=np.ones(n, np.int64),
    )


def _middle(shifts: Floats) -> Floats:
    """Median over keypoints, (T, K, 2) -> (T, 2): arms swing and single keypoints jump; 0 where there is none."""
    known = ~np.isnan(shifts[..., 0])
    count = known.sum(axis=1)[:, None]  # (T, 1); x and y are found together
    ordered = np.sort(shifts, axis=1)  # NaN last
    rank = np.stack([np.maximum(count - 1, 0) // 2, count // 2], axis=1)  # (T, 2, 1): the two in the middle
    last = shifts.shape[1] - 1
    middle = np.take_along_axis(ordered, np.minimum(rank, last), axis=1).mean(axis=1)
    return np.where(count > 0, middle, 0.0)
