"""What is remembered of each person: places, motion, and how sure both are; all as arrays over T tracks."""

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.poses import Poses

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Flags = NDArray[np.bool_]
Colours = NDArray[np.float32]

_SIZE = 0.45  # square root of COCO's area, which OKS counts in, per diagonal of the box around the keypoints
_MIN_SIZE = 4.0  # pixels; keypoints that coincide still have a neighbourhood
_COAST_SECONDS = 4.0  # after which a person out of sight has mostly come to rest
_SPEED = 1.5  # body sizes per second (1 m/s): how fast somebody may be of whom nothing is known
_ACCELERATION = 1.5  # body sizes per second, per root second: how much a person's speed wanders
_PLACE_ERROR = 0.05  # body sizes by which a sighting as a whole is off
_RIVAL_ERROR = 0.5  # the same, times the likeness to another person: where people overlap, poses get mixed
_TOLERANCE = 0.16  # body sizes by which a keypoint may be off: twice the OKS sigma of a shoulder
_SHAPE_GAIN = 0.5  # how far each keypoint goes from where it was expected, body motion aside, to where it was found
_MEMORY_SECONDS = 0.7  # after which a keypoint that is not seen counts for a third
_DARK = 20.0  # gray levels added to colours before logarithms: noise of dark cloth is not colour
_COLOUR_TOLERANCE = 0.25  # of logarithms of a colour, between two sightings of a person some seconds apart
_MOST_COLOUR = 4.0  # squared differences, in squared tolerances, that count at most: a limb may be somebody else's
COLOUR_GAIN = 0.1  # how far colours of a known person go to those of a sighting
SPARSE_COLOUR_GAIN = 0.5  # the same where sightings are seconds apart: light and folds are others every time


@dataclass(frozen=True)
class Tracks:
    """People who were seen, as arrays; every function returns new ones.

    The motion of a body as a whole is followed by a Kalman filter of constant velocity: `covariance` has the variances
    of place and speed, and what they share, which are the same in x and y.
    """

    ids: NDArray[np.int64]  # (T,) identities from 1 up; below 0: tentative, with a number that is no identity
    xy: Floats  # (T, K, 2) pixels at the time last seen; what was missing then has moved along; NaN: never found
    keypoint_times: Floats  # (T, K) seconds, when each keypoint was last found; -inf: never
    begun: Floats  # (T,) seconds, when first seen
    times: Floats  # (T,) seconds, when last seen
    unseen: NDArray[np.int64]  # (T,) frames since then
    velocity: Floats  # (T, 2) pixels per second
    covariance: Floats  # (T, 2, 2) of place and speed, in pixels and seconds
    sizes: Floats  # (T,) of bodies, in pixels
    sightings: NDArray[np.int64]  # (T,)
    colours: Colours  # (T, L, 3) logarithms of the colours along limbs; NaN: never seen

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, chosen: Indices | Flags) -> "Tracks":
        return Tracks(*(column[chosen] for column in vars(self).values()))

    def join(self, other: "Tracks") -> "Tracks":
        """These tracks, then the others."""
        both = zip(vars(self).values(), vars(other).values(), strict=True)
        return Tracks(*(np.concatenate(pair) for pair in both))

    def predict(self, time: float) -> "Tracks":
        """Where everybody should be by now, and how sure that is: on their way at a speed that dies away."""
        gap = time - self.times
        slowed = np.exp(-gap / _COAST_SECONDS)
        coasted = _COAST_SECONDS * (1 - slowed)  # seconds at full speed
        place, both, speed = self.covariance[:, 0, 0], self.covariance[:, 0, 1], self.covariance[:, 1, 1]
        wander = gap * (_ACCELERATION * self.sizes) ** 2
        covariance = np.empty_like(self.covariance)
        covariance[:, 0, 0] = place + coasted * (2 * both + coasted * speed) + wander * gap**2 / 3
        covariance[:, 0, 1] = covariance[:, 1, 0] = slowed * (both + coasted * speed) + wander * gap / 2
        covariance[:, 1, 1] = slowed**2 * speed + wander
        return dataclasses.replace(
            self,
            xy=self.xy + (self.velocity * coasted[:, None])[:, None],
            velocity=self.velocity * slowed[:, None],
            covariance=covariance,
        )

    def compute_certainty(self) -> Floats:
        """How sure the place of each is, (T,) in (0, 1]: the peak of a Gaussian that grows wider gets lower.

        Somebody long out of sight might be anywhere near, so many people found are similar enough; whoever was seen a
        moment ago is the better explanation of the same find.
        """
        tolerance = (_TOLERANCE * self.sizes) ** 2
        return np.asarray(np.sqrt(tolerance / (tolerance + self.covariance[:, 0, 0])))

    def compare(self, poses: Poses) -> Floats:
        """How well each track, expected now, explains each of N people found, (T, N) in [0, 1].

        OKS over the keypoints that both have, weighted by how surely each was found and how lately it was seen; the
        tolerance grows where the place is not sure.
        """
        tolerance = (2 * np.asarray(poses.skeleton.oks_sigmas) * self.sizes[:, None]) ** 2
        tolerance = tolerance + self.covariance[:, 0, 0, None]  # (T, K)
        fresh, scores = self._compute_freshness(), _take_scores(poses)  # (T, K), (N, K)
        places = np.nan_to_num(self.xy).astype(np.float32)  # single precision: four times as fast
        keypoints = np.where(poses.found[..., None], poses.keypoints, np.float32(0))
        x, y = (places[:, None, :, c] - keypoints[None, ..., c] for c in (0, 1))  # (T, N, K)
        with np.errstate(under="ignore"):
            likeness = np.exp((x * x + y * y) * (-0.5 / tolerance[:, None]).astype(np.float32))
        return np.asarray(((likeness * scores) @ fresh[..., None])[..., 0] / np.maximum(fresh @ scores.T, 1e-9))

    def weigh(self, poses: Poses) -> Floats:
        """How much of each track every one of N people shows, (T, N) in [0, 1]: a part of somebody shows little.

        The share of its keypoints, by how surely each was found and how lately it was seen.
        """
        fresh = self._compute_freshness()
        return np.asarray((fresh @ _take_scores(poses).T) / np.maximum(fresh.sum(axis=1), 1e-9)[:, None])

    def compare_colours(self, poses: Poses, rows: Indices, columns: Indices) -> Floats:
        """How alike the clothes of P pairs of a track and a person are, (P,) in (0, 1], by the limbs that both have.

        Without such a limb it is that of two sightings of a person who differ as much as is usual.
        """
        if poses.limb_colours is None:
            return np.full(len(rows), np.exp(-0.5))
        difference = (self.colours[rows] - _take_logarithms(poses)[columns]) / _COLOUR_TOLERANCE
        squares = np.minimum(difference * difference, _MOST_COLOUR)
        sums = squares[..., 0] + squares[..., 1] + squares[..., 2]  # (P, L)
        known = ~np.isnan(sums)
        count = 3 * known.sum(axis=-1)
        mean = np.where(known, sums, 0).sum(axis=-1) / np.maximum(count, 1)
        return np.asarray(np.exp(-0.5 * np.where(count > 0, mean, 1.0)))

    def update(self, poses: Poses, time: float, rivals: Floats, *, colour_gain: float = COLOUR_GAIN) -> "Tracks":
        """The tracks, expected now, after each was found again: N = T people in the same order.

        Args:
            poses: The people.
            time: Now, in seconds.
            rivals: (T,) likeness of each person to the most similar of the other tracks.
            colour_gain: How far colours go to those of this sighting.
        """
        size = self.sizes
        off = poses.keypoints - self.xy  # (T, K, 2)
        shift = take_medians(off)
        rest = off - shift[:, None]
        spread = take_medians(np.hypot(rest[..., 0], rest[..., 1])[..., None])[:, 0]
        error = (_PLACE_ERROR * size) ** 2 + spread**2 + (_RIVAL_ERROR * size * rivals) ** 2
        gain = self.covariance[:, :, 0] / (self.covariance[:, 0, 0] + error)[:, None]  # (T, 2) of place and speed
        moved = gain[:, :1] * shift
        bent = (_SHAPE_GAIN * (1 - rivals))[:, None, None] * rest
        place = np.where(np.isnan(off), 0, bent) + self.xy + moved[:, None]
        xy = np.where(np.isnan(self.xy), poses.keypoints, place)
        return Tracks(
            ids=self.ids,
            xy=xy,
            keypoint_times=np.where(poses.found, time, self.keypoint_times),
            begun=self.begun,
            times=np.full(len(self), time),
            unseen=np.zeros(len(self), np.int64),
            velocity=self.velocity + gain[:, 1:] * shift,
            covariance=self.covariance - gain[:, :, None] * self.covariance[:, :1],
            sizes=measure_sizes(xy),
            sightings=self.sightings + 1,
            colours=self.colours
            if poses.limb_colours is None
            else self._mix_colours(_take_logarithms(poses), colour_gain),
        )

    def move(self, shift: Floats) -> "Tracks":
        """The tracks in a picture of which the camera has moved by `shift`, (2,) in pixels."""
        return dataclasses.replace(self, xy=self.xy + shift)

    def miss(self) -> "Tracks":
        """The tracks after a frame in which they were not found."""
        return dataclasses.replace(self, unseen=self.unseen + 1)

    def _compute_freshness(self) -> Floats:
        """How much each keypoint counts, (T, K) in [0, 1], by how lately it was seen; 0 if it never was."""
        return np.asarray(np.exp(-(self.times[:, None] - self.keypoint_times) / _MEMORY_SECONDS))

    def _mix_colours(self, colours: Colours, gain: float) -> Colours:
        """The colours known so far, a little nearer to those seen now."""
        mixed = np.where(np.isnan(colours), self.colours, self.colours + np.float32(gain) * (colours - self.colours))
        return np.where(np.isnan(self.colours), colours, mixed)


def measure_sizes(xy: NDArray[np.floating]) -> Floats:
    """Square roots of the areas of bodies, in pixels, (T,), from (T, K, 2) keypoints: the unit of OKS.

    By the diagonal of the box around the keypoints, which changes less than its area when somebody turns sideways.
    """
    by_keypoint = np.ascontiguousarray(xy.transpose(1, 2, 0))  # (K, 2, T): five times as fast to reduce
    low, high = np.fmin.reduce(by_keypoint), np.fmax.reduce(by_keypoint)  # NaN only where a body has no keypoint
    diagonal = np.hypot(*(high - low).astype(np.float64))
    return np.asarray(np.fmax(_SIZE * diagonal, _MIN_SIZE))


def start_tracks(poses: Poses, time: float) -> Tracks:
    """Tracks of people seen for the first time, without a number.

    Of whom only a part is seen, as of those who enter a picture, the body is larger than that part, and so is the speed
    that it may have.
    """
    n = len(poses)
    size = measure_sizes(poses.keypoints)
    whole = size * np.sqrt(poses.found.shape[1] / np.maximum(poses.found.sum(axis=1), 1))
    covariance = np.zeros((n, 2, 2))
    covariance[:, 0, 0], covariance[:, 1, 1] = (_PLACE_ERROR * size) ** 2, (_SPEED * whole) ** 2
    return Tracks(
        ids=np.zeros(n, np.int64),
        xy=poses.keypoints.astype(np.float64),
        keypoint_times=np.where(poses.found, time, -np.inf),
        begun=np.full(n, time),
        times=np.full(n, time),
        unseen=np.zeros(n, np.int64),
        velocity=np.zeros((n, 2)),
        covariance=covariance,
        sizes=size,
        sightings=np.ones(n, np.int64),
        colours=_take_logarithms(poses),
    )


def _take_scores(poses: Poses) -> Floats:
    """Of keypoints, (N, K), 0 where not found."""
    return np.asarray(np.where(poses.found, poses.keypoint_scores, 0.0), np.float64)


def _take_logarithms(poses: Poses) -> Colours:
    """Of the colours along limbs, (N, L, 3): light that changes adds the same to all; NaN where not known."""
    if poses.limb_colours is None:
        return np.full((len(poses), len(poses.skeleton.limbs), 3), np.float32(np.nan))
    return np.asarray(np.log(poses.limb_colours + np.float32(_DARK)), np.float32)


def take_medians(values: Floats) -> Floats:
    """Over the keypoints that have one, (T, K, C) -> (T, C): arms swing and single keypoints jump; 0 if none has."""
    count = (~np.isnan(values[..., 0])).sum(axis=1)[:, None]  # (T, 1); all C are known together
    ordered = np.sort(values, axis=1)  # NaN last
    rank = np.concatenate([np.maximum(count - 1, 0) // 2, count // 2], axis=1)  # (T, 2): the two in the middle
    middle = ordered[np.arange(len(rank))[:, None], rank]  # (T, 2, C)
    return np.where(count > 0, 0.5 * (middle[:, 0] + middle[:, 1]), 0.0)
