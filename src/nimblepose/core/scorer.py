"""What a pose is worth: the object keypoint similarity (OKS) to expect of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.errors import ModelError
from nimblepose.core.people import GroupedPeople
from nimblepose.core.prior import LARGEST, is_bounded, read_numbers, round_numbers

_MAX_NUMBERS = 1_000_000
_NAMES = ("centre", "spread", "hidden", "hidden_bias", "output", "output_bias")


@dataclass(frozen=True, eq=False)
class PoseScorer:
    """A small network from `measure_features` to expected OKS: H units with tanh, then one with a sigmoid.

    A pose's size matters most: the same peaks mean less where a cell is a larger part of a person.

    Attributes:
        centre: (F,) of the features, which is taken off.
        spread: (F,) of the features, by which they are divided then.
        hidden: (F, H).
        hidden_bias: (H,).
        output: (H,).
        output_bias: (1,).

    Raises:
        ModelError: shapes that do not fit, or numbers that are not finite.
    """

    centre: NDArray[np.floating]
    spread: NDArray[np.floating]
    hidden: NDArray[np.floating]
    hidden_bias: NDArray[np.floating]
    output: NDArray[np.floating]
    output_bias: NDArray[np.floating]

    def __post_init__(self) -> None:
        """Refuse what cannot be computed with; model files of strangers come through here."""
        arrays = [getattr(self, name) for name in _NAMES]
        if self.hidden.ndim != 2 or self.hidden.size > _MAX_NUMBERS:
            raise ModelError(f"a pose scorer has hidden weights (F, H), got {self.hidden.shape}")
        f, h = self.hidden.shape
        if [array.shape for array in arrays] != [(f,), (f,), (f, h), (h,), (h,), (1,)]:
            raise ModelError(f"shapes of a pose scorer do not fit: {[array.shape for array in arrays]}")
        if not all(is_bounded(array) for array in arrays) or not (self.spread >= 1 / LARGEST).all():
            raise ModelError(f"a pose scorer is of numbers up to {LARGEST:g}, and its spread above 0")

    def __call__(self, people: GroupedPeople) -> NDArray[np.float32]:
        """Expected OKS (N,) in [0, 1]."""
        standard = (measure_features(people) - self.centre) / self.spread
        value = np.tanh(standard @ self.hidden + self.hidden_bias) @ self.output + self.output_bias
        return np.asarray(0.5 + 0.5 * np.tanh(0.5 * value), np.float32)  # the sigmoid, without overflow

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, six digits."""
        return {name: round_numbers(getattr(self, name)) for name in _NAMES}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "PoseScorer":
        """From plain data as `to_dict` gives it."""
        return cls(*(read_numbers(value, name) for name in _NAMES))


def count_features(keypoints: int) -> int:
    """F for a skeleton of K keypoints."""
    return keypoints + 6


def measure_features(people: GroupedPeople) -> NDArray[np.float64]:
    """What poses are judged by, (N, F): heights of their peaks, the score of their limbs, and how large they are."""
    heights, xy = people.peak_heights, people.keypoints
    if not len(people):
        return np.zeros((0, count_features(heights.shape[1])))
    found = xy[..., 0] == xy[..., 0]  # NaN is not itself
    count = np.add.reduce(found, axis=1)
    lowest = np.minimum.reduce(heights, axis=1, where=found, initial=np.inf)
    means = np.add.reduce(heights, axis=1) / count
    features = np.empty((len(people), count_features(heights.shape[1])))
    features[:, :-6], features[:, -6], features[:, -5] = heights, people.limb_scores, means
    features[:, -4], features[:, -3], features[:, -2:] = count / found.shape[1], lowest, np.log1p(people.extents)
    return features
