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
KIND_TERMS, SHARED_TERMS, SIZE_TERMS = 3, 4, 2
_USUAL_PIXELS = 5.0  # logarithm of the diagonal of a pose, in pixels of the picture


@dataclass(frozen=True, eq=False)
class KeypointErrors:
    """The error to expect of each keypoint of a pose, one standard deviation along x and along y.

    Its logarithm, in cells, is a sum of what the keypoint's kind says (a constant, and how its error grows with the
    size of the pose and the logarithm of its peak) and of what is the same for all kinds. Of errors that are normally
    distributed along x and y alike, 39 % lie within one standard deviation and 86 % within two.

    That is of one pass or look. What results say besides is calibrated by pictures that the network has not learnt
    from: by kind, and by how large people are in the picture.

    Attributes:
        kinds: (K, 3) for the terms 1, size, log height.
        shared: (4,) for the terms size squared, height, height times size, mean height of the pose.
        calibration: (K + 2,) what is added to the logarithm in results: for each kind, then for the size in pixels of
            the picture and its square; None: not calibrated.

    Raises:
        ModelError: shapes that do not fit, or numbers that are not finite.
    """

    kinds: NDArray[np.floating]
    shared: NDArray[np.floating]
    calibration: NDArray[np.floating] | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be computed with; model files of strangers come through here."""
        shapes = self.kinds.shape, self.shared.shape
        if shapes != ((len(self.kinds), KIND_TERMS), (SHARED_TERMS,)):
            raise ModelError(
                f"errors of keypoints have kinds (K, {KIND_TERMS}), shared ({SHARED_TERMS},), got {shapes}"
            )
        arrays = [self.kinds, self.shared]
        if self.calibration is not None:
            arrays.append(self.calibration)
            if self.calibration.shape != (len(self.kinds) + SIZE_TERMS,):
                raise ModelError(
                    f"errors of keypoints have a calibration (K + {SIZE_TERMS},), got {self.calibration.shape}"
                )
        if not all(is_bounded(array) for array in arrays):
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

    def calibrate(self, errors: NDArray[np.floating], keypoints: NDArray[np.floating]) -> NDArray[np.float32]:
        """What results say: errors put right by how those of new pictures have turned out.

        Args:
            errors: (N, K) pixels of the picture, as passes and looks expect them, NaN where not known.
            keypoints: (N, K, 2) pixels of the picture, NaN where not found.
        """
        if self.calibration is None or not len(errors):
            return np.asarray(errors, np.float32)
        kinds = len(self.kinds)
        size = measure_size(keypoints)[:, None]
        linear, squared = self.calibration[kinds:].tolist()
        value = self.calibration[:kinds] + (linear * size + squared * size * size)
        return np.asarray(errors * np.exp(np.minimum(np.maximum(value, _LEAST), _MOST)), np.float32)

    @cached_property
    def _numbers(self) -> tuple[Any, Any, Any, list[float]]:
        """In single precision, as what they are multiplied with, and column by column."""
        return (*np.ascontiguousarray(self.kinds.T, np.float32), self.shared.tolist())

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, six digits."""
        value = {"kinds": round_numbers(self.kinds), "shared": round_numbers(self.shared)}
        return value if self.calibration is None else value | {"calibration": round_numbers(self.calibration)}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "KeypointErrors":
        """From plain data as `to_dict` gives it."""
        calibration = read_numbers(value, "calibration") if "calibration" in value else None
        return cls(read_numbers(value, "kinds"), read_numbers(value, "shared"), calibration)


def measure_terms(people: GroupedPeople) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What errors are told by, (N, K, 3) and (N, K, 4), as `KeypointErrors` has them; void where not found."""
    heights = people.peak_heights.astype(np.float64)
    own, shared = np.ones((*heights.shape, KIND_TERMS)), np.ones((*heights.shape, SHARED_TERMS))
    if len(people):
        size, mean = _measure_people(people)
        own[..., 1], own[..., 2] = size, np.log(np.maximum(heights, _LOWEST))
        shared[..., 0], shared[..., 1], shared[..., 2], shared[..., 3] = size * size, heights, heights * size, mean
    return own, shared


def measure_size(keypoints: NDArray[np.floating]) -> NDArray[np.floating]:
    """How large N poses lie in a picture, (N,): the logarithm of their diagonals, and 0 at 148 pixels.

    Args:
        keypoints: (N, K, 2) pixels of the picture, NaN where not found; something was found of each.
    """
    extent = np.fmax.reduce(keypoints, axis=1) - np.fmin.reduce(keypoints, axis=1)
    return clip_size(np.log(np.maximum(np.hypot(extent[:, 0], extent[:, 1]), 1)) - _USUAL_PIXELS)


def clip_size(size: NDArray[np.floating]) -> NDArray[np.floating]:
    """As `measure_size` has them: what is larger or smaller than anybody has measured counts as the last that was."""
    return np.asarray(np.minimum(np.maximum(size, -_MOST_LARGER), _MOST_LARGER))


def _measure_people(people: GroupedPeople) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """How large people are seen, and how high their peaks are in the mean, (N, 1) each; one person at least."""
    width, height = people.extents.T
    size = np.log(np.maximum(np.hypot(width, height), 1)) - _USUAL
    count = np.maximum(np.add.reduce(people.peak_heights > 0, axis=1), 1)
    mean = np.add.reduce(people.peak_heights, axis=1) / count.astype(np.float32)
    return clip_size(size)[:, None], mean[:, None]
