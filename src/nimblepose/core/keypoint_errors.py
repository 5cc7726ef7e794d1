"""What a keypoint is worth: by how much it is expected to be off, from how it was seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.errors import ModelError
from nimblepose.core.people import GroupedPeople
from nimblepose.core.prior import LARGEST, is_bounded, read_numbers, round_numbers

_USUAL = 2.5  # logarithm of the diagonal of a pose, in cells
_MOST_LARGER = 2.0  # logarithm: beyond it poses are taken for as small, or as large; nobody has measured there
_LOWEST = np.float32(0.02)  # of peaks, that logarithms are taken of
_LEAST, _MOST = -4.0, 4.0  # logarithms of errors in cells
KIND_TERMS, SHARED_TERMS = 3, 4


@dataclass(frozen=True, eq=False)
class KeypointErrors:
    """The error to expect of each keypoint of a pose, one standard deviation along x and along y.

    Its logarithm, in cells, is a sum of what the keypoint's kind says (a constant, and how its error grows with the
    size of the pose and the logarithm of its peak) and of what is the same for all kinds. Of errors that are normally
    distributed along x and y alike, 39 % lie within one standard deviation and 86 % within two.

    Attributes:
        kinds: (K, 3) for the terms 1, size, log height.
        shared: (4,) for the terms size squared, height, height times size, mean height of the pose.

    Raises:
        ModelError: shapes that do not fit, or numbers that are not finite.
    """

    kinds: NDArray[np.floating]
    shared: NDArray[np.floating]

    def __post_init__(self) -> None:
        """Refuse what cannot be computed with; model files of strangers come through here."""
        shapes = self.kinds.shape, self.shared.shape
        if shapes != ((len(self.kinds), KIND_TERMS), (SHARED_TERMS,)):
            raise ModelError(
                f"errors of keypoints have kinds (K, {KIND_TERMS}), shared ({SHARED_TERMS},), got {shapes}"
            )
        if not (is_bounded(self.kinds) and is_bounded(self.shared)):
            raise ModelError(f"errors of keypoints are of numbers up to {LARGEST:g}")

    def __call__(self, people: GroupedPeople) -> NDArray[np.float32]:
        """Of each keypoint in cells, (N, K); NaN where not found."""
        if not len(people):
            return np.zeros(people.peak_heights.shape, np.float32)
        heights, found = people.peak_heights, people.keypoints[..., 0] * 0  # NaN stays
        size, mean = _measure_people(people)
        constant, by_size, by_height, (squared, height, height_and_size, mean_height) = self._numbers
        value = constant + by_size * size + (squared * size * size + mean_height * mean)
        value += by_height * np.log(np.maximum(heights, _LOWEST)) + (height + height_and_size * size) * heights
        value += found
        return np.asarray(np.exp(np.minimum(np.maximum(value, _LEAST), _MOST)), np.float32)

    @cached_property
    def _numbers(self) -> tuple[Any, Any, Any, list[float]]:
        """In single precision, as what they are multiplied with, and column by column."""
        return (*np.ascontiguousarray(self.kinds.T, np.float32), self.shared.tolist())

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, six digits."""
        return {"kinds": round_numbers(self.kinds), "shared": round_numbers(self.shared)}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "KeypointErrors":
        """From plain data as `to_dict` gives it."""
        return cls(read_numbers(value, "kinds"), read_numbers(value, "shared"))


def measure_terms(people: GroupedPeople) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What errors are told by, (N, K, 3) and (N, K, 4), as `KeypointErrors` has them; void where not found."""
    heights = people.peak_heights.astype(np.float64)
    own, shared = np.ones((*heights.shape, KIND_TERMS)), np.ones((*heights.shape, SHARED_TERMS))
    if len(people):
        size, mean = _measure_people(people)
        own[..., 1], own[..., 2] = size, np.log(np.maximum(heights, _LOWEST))
        shared[..., 0], shared[..., 1], shared[..., 2], shared[..., 3] = size * size, heights, heights * size, mean
    return own, shared


def _measure_people(people: GroupedPeople) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """How large people are seen, and how high their peaks are in the mean, (N, 1) each; one person at least."""
    width, height = people.extents.T
    size = np.log(np.maximum(np.hypot(width, height), 1)) - _USUAL
    count = np.maximum(np.add.reduce(people.peak_heights > 0, axis=1), 1)
    mean = np.add.reduce(people.peak_heights, axis=1) / count.astype(np.float32)
    return np.minimum(np.maximum(size, -_MOST_LARGER), _MOST_LARGER)[:, None], mean[:, None]
