"""What passes and looks have seen, before anybody says who of it is one person."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.poses import Poses
from nimblepose.core.prior import PosePrior

Points = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Sightings:
    """N poses in one picture; a person may be among them several times. Index like an array.

    Pixels are those of the picture as it is shown (x is stretched where the picture's own are not square), once `move`
    has brought them there.

    Attributes:
        keypoints: (N, K, 2) float32, NaN = not found.
        whole: (N, K, 2) float32, the same with those not found where they are expected; the same without a prior.
        heights: (N, K) float32 in [0, 1] of the peaks, 0 where not found.
        scores: (N,) float32 in [0, 1].
        grain: (N,) float32, pixels of a cell: how coarsely they were seen.
        turns: (N,) intp, quarter turns of the picture in which they were seen.
        errors: (N, K) float32, how far a keypoint is expected to be off, in pixels as shown; NaN where not known.
    """

    keypoints: NDArray[np.float32]
    whole: NDArray[np.float32]
    heights: NDArray[np.float32]
    scores: NDArray[np.float32]
    grain: NDArray[np.float32]
    turns: NDArray[np.intp]
    errors: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, index: NDArray[np.generic]) -> "Sightings":
        return Sightings(*(getattr(self, field.name)[index] for field in dataclasses.fields(self)))

    @classmethod
    def join(cls, parts: Sequence["Sightings"]) -> "Sightings":
        """All of them, in order; one part at least."""
        return cls(*(np.concatenate([getattr(p, field.name) for p in parts]) for field in dataclasses.fields(cls)))

    def move(self, move: Callable[[Points], Points]) -> "Sightings":
        """The same people in other pixels."""
        return dataclasses.replace(
            self,
            keypoints=move(self.keypoints).astype(np.float32),
            whole=move(self.whole).astype(np.float32),
        )


def note(poses: Poses, prior: PosePrior | None, *, grain: float, pixel: float = 1.0, turns: int = 0) -> Sightings:
    """What one pass or look has seen, in the pixels of `poses`.

    Args:
        poses: Everybody, none completed; as the network saw them, so that they stand upright, as the prior expects.
        prior: What poses look like.
        grain: Pixels of the picture, as it is shown, in a cell.
        pixel: The same in one of the pixels of `poses`.
        turns: Quarter turns in which it was seen.
    """
    whole = prior.complete(poses.keypoints) if prior is not None and len(poses) else poses.keypoints
    count, errors = len(poses), poses.keypoint_errors
    return Sightings(
        poses.keypoints, whole, poses.keypoint_scores, poses.scores,
        np.full(count, grain, np.float32), np.full(count, turns, np.intp),
        np.full(poses.keypoint_scores.shape, np.nan, np.float32) if errors is None else errors * np.float32(pixel),
    )  # fmt: skip
