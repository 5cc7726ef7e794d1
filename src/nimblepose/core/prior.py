"""What poses look like: where a keypoint that was not found should be, and whether two parts are of one pose."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.errors import ModelError
from nimblepose.core.text import describe_error

_ANYWHERE = 0.5  # variance of the place of a pose as a whole: the middle of what was found is not that of everything
_EXACT = 5e-4  # variance of found keypoints; what is known to a hundredth of the pose is not worth more
_LARGEST_SQUARE = 1e12  # beyond any sum of squares of offsets in standard deviations
_UNKNOWN = 1e6  # variance of keypoints that were not found
_MAX_KEYPOINTS = 1000
LARGEST = 1e6  # of numbers in model files, so that no sum of them is out of bounds


@dataclass(frozen=True, eq=False)
class PosePrior:
    """Poses as a normal distribution of all their coordinates, each pose moved and scaled to its own frame.

    Attributes:
        mean: (K, 2).
        covariance: (2 K, 2 K), in the order of `mean.ravel()`.

    Raises:
        ModelError: shapes that do not fit, or numbers that are no distribution.
    """

    mean: NDArray[np.floating]
    covariance: NDArray[np.floating]

    def __post_init__(self) -> None:
        """Refuse what is none; model files of strangers come through here."""
        size = self.mean.size
        if self.mean.shape != (size // 2, 2) or self.covariance.shape != (size, size) or not size:
            shapes = self.mean.shape, self.covariance.shape
            raise ModelError(f"a pose prior has a mean (K, 2) and a covariance (2 K, 2 K), got {shapes}")
        if size > 2 * _MAX_KEYPOINTS or not (is_bounded(self.mean) and is_bounded(self.covariance)):
            raise ModelError(f"a pose prior is of at most {_MAX_KEYPOINTS} keypoints, and of numbers up to {LARGEST:g}")
        least = np.linalg.eigvalsh((self.covariance + self.covariance.T) / 2)[0]
        if least < -1e-4 or not np.allclose(self.covariance, self.covariance.T, atol=1e-4):
            raise ModelError("the covariance of a pose prior is no covariance: not symmetric, or below zero somewhere")

    def complete(self, xy: NDArray[np.float32]) -> NDArray[np.float32]:
        """Poses with every keypoint: those not found where they are expected, given those that were found.

        The conditional mean of the normal distribution. Found keypoints stay as they are.

        Args:
            xy: (N, K, 2) in any unit, NaN where not found; at least one was found in each.

        Returns:
            (N, K, 2) without NaN.
        """
        missing = np.isnan(xy[..., 0])
        some = missing.any(axis=1)
        if not some.any():
            return xy
        middle, size = measure_frame(xy[some])
        own = (xy[some] - middle) / size
        between = self._spread
        known = np.repeat(~missing[some], 2, axis=1)  # (N', 2 K)
        off = np.where(known, own.reshape(known.shape) - self.mean.ravel(), 0)
        noise = np.where(known, _EXACT, _UNKNOWN)
        weights = np.linalg.solve(between + noise[..., None] * np.eye(known.shape[1]), off[..., None])
        expected = (between @ weights)[..., 0].reshape(own.shape) + self.mean
        whole = xy.copy()
        whole[some] = np.where(missing[some][..., None], expected * size + middle, xy[some])
        return whole

    def compare(self, one: NDArray[np.floating], other: NDArray[np.floating]) -> NDArray[np.floating]:
        """How much likelier two parts are as one pose than as two that know nothing of each other, (P,).

        The logarithm of the ratio of the densities, p(one, other) / (p(one) p(other)), all three in the frame of both
        parts together: what is known of one tells where the other should be, or it does not. Above 0: likelier one.

        Args:
            one: (P, K, 2) in any unit, NaN where not found; something was found in each.
            other: The same, in the same unit; no keypoint was found in both parts of a pair.
        """
        pairs, keypoints = one.shape[:2]
        lacking, absent = np.isnan(one[..., 0]), np.isnan(other[..., 0])
        both = np.where(lacking[..., None], other, one)
        middle, size = measure_frame(both)
        off = np.zeros((2, pairs, self._spread_of_found.shape[0]))
        off[:, :, : 2 * keypoints] = ((both - middle) / size - self.mean).reshape(pairs, 2 * keypoints)
        # Of one, of the other, of neither: the other is looked at given the one, which comes before, and alone.
        role = np.where(absent, 2, 1)
        roles = np.concatenate([np.where(lacking, role, 0), role])
        order = np.sort(roles * keypoints + np.arange(keypoints), axis=1)
        order = order[:, : int((roles[:pairs] < 2).sum(axis=1).max(initial=0))]
        roles = order // keypoints
        kinds = order - np.minimum(roles, 1) * keypoints  # neither: those after the keypoints, which say nothing
        columns = (2 * kinds[:, :, None] + (0, 1)).reshape(2 * pairs, 2 * kinds.shape[1])
        spread = self._spread_of_found[columns[:, :, None], columns[:, None]]
        off = off.reshape(2 * pairs, off.shape[2])[np.arange(2 * pairs)[:, None], columns]
        density = (_measure_log_densities(off, spread).reshape(*roles.shape, 2).sum(axis=2) * (roles == 1)).sum(axis=1)
        return np.asarray(density[:pairs] - density[pairs:])

    @cached_property
    def distances(self) -> NDArray[np.floating]:
        """Between all keypoints, (K, K): the root of the mean of the square, in diagonals of a pose's box; above 0."""
        count = len(self.mean)
        own = self.covariance.reshape(count, 2, count, 2).trace(axis1=1, axis2=3) + self.mean @ self.mean.T
        size = np.diagonal(own)
        return np.asarray(np.sqrt(np.maximum(size[:, None] + size - 2 * own, 1e-6)))

    @cached_property
    def _spread(self) -> NDArray[np.floating]:
        """The covariance in frames of what was found, (2 K, 2 K)."""
        return self.covariance + np.tile(np.eye(2), (len(self.mean), len(self.mean))) * _ANYWHERE

    @cached_property
    def _spread_of_found(self) -> NDArray[np.floating]:
        """The same of found keypoints, as exact as they are, and then of K that say nothing, (4 K, 4 K)."""
        size = self.mean.size
        spread = np.eye(2 * size)
        spread[:size, :size] = self._spread + np.eye(size) * _EXACT
        return spread

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, six digits."""
        return {"mean": round_numbers(self.mean), "covariance": round_numbers(self.covariance)}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "PosePrior":
        """From plain data as `to_dict` gives it."""
        return cls(read_numbers(value, "mean"), read_numbers(value, "covariance"))


def _measure_log_densities(off: NDArray[np.floating], spread: NDArray[np.floating]) -> NDArray[np.floating]:
    """Of each coordinate (P, C) given those before it, without the constant factor.

    The offsets go along as one more row of the matrix of which Cholesky's triangle is taken, where they come out free
    of what they share with those before them, and with variance 1.

    Args:
        off: (P, C) off the mean.
        spread: (P, C, C) covariance.
    """
    pairs, count = off.shape
    matrix = np.empty((pairs, count + 1, count + 1))
    matrix[:, :-1, :-1], matrix[:, -1, :-1], matrix[:, -1, -1] = spread, off, _LARGEST_SQUARE
    triangle = np.linalg.cholesky(matrix)
    white, scale = triangle[:, -1, :-1], np.diagonal(triangle, axis1=1, axis2=2)[:, :-1]
    return np.asarray(-white * white / 2 - np.log(scale))


def measure_frame(xy: NDArray[np.floating]) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Middle (N, 1, 2) and size (N, 1, 1) of poses (N, K, 2): mean and box diagonal of the keypoints that are there."""
    missing = np.isnan(xy)
    middle = np.where(missing, 0, xy).sum(axis=1, keepdims=True) / (~missing).sum(axis=1, keepdims=True, dtype=xy.dtype)
    extent = np.fmax.reduce(xy, axis=1) - np.fmin.reduce(xy, axis=1)  # a third of the time of nanmax and nanmin
    return middle, np.maximum(np.sqrt((extent * extent).sum(axis=-1)), 1e-3)[:, None, None]


def is_bounded(array: NDArray[np.floating]) -> bool:
    """Whether all numbers are numbers, and none is beyond `LARGEST`."""
    return bool((np.abs(array) <= LARGEST).all())


def round_numbers(array: NDArray[np.floating]) -> list[Any]:
    """As nested lists of numbers with six digits."""
    if array.ndim > 1:
        return [round_numbers(row) for row in array]
    return [float(f"{value:.6g}") for value in array]


def read_numbers(value: Mapping[str, Any], name: str) -> NDArray[np.floating]:
    """An array out of plain data.

    Raises:
        ModelError: missing, or something else than numbers.
    """
    try:
        return np.array(value[name], np.float64)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ModelError(f"{name}: missing, or no numbers in rows of one length ({describe_error(error)})") from error
