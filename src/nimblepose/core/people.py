"""People as the decoder groups them: in cells, as the fields show them, before anybody says what they are worth."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class GroupedPeople:
    """N people in the fields of one picture, each with one keypoint or more. Index like an array.

    Attributes:
        keypoints: (N, K, 2) float32, x and y in cells (the centre of the first cell is (0, 0)); NaN = not found.
        peak_heights: (N, K) float32 in [0, 1], of the heatmaps' peaks; 0 where not found.
        limb_scores: (N,) float32 in [0, 1], of each person's limbs together.
    """

    keypoints: NDArray[np.float32]
    peak_heights: NDArray[np.float32]
    limb_scores: NDArray[np.float32]

    @cached_property
    def extents(self) -> NDArray[np.float32]:
        """Width and height of the boxes of the keypoints that were found, (N, 2); one person at least."""
        return np.asarray(np.fmax.reduce(self.keypoints, axis=1) - np.fmin.reduce(self.keypoints, axis=1))

    def __len__(self) -> int:
        return len(self.limb_scores)

    def __getitem__(self, index: NDArray[np.generic]) -> "GroupedPeople":
        return GroupedPeople(self.keypoints[index], self.peak_heights[index], self.limb_scores[index])
