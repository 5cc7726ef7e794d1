"""Where to look: at everybody seen, however weakly, and wherever something like a keypoint belongs to nobody."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from nimblepose.looks.sightings import Sightings

_BLUR = 1.0  # cells around keypoints that are still high
_LEAST_SIZE = 4.0  # pixels of a picture: of whoever seems smaller, there is nothing to see


@dataclass(frozen=True, eq=False)
class Places:
    """N places of a picture, where somebody is or may be. Index like an array.

    Attributes:
        boxes: (N, 4) float64, x and y of two corners, in pixels of the picture as it is shown.
        sizes: (N,) float64, diagonal of a person there in these pixels.
        scores: (N,) float64 in [0, 1], of who was seen there: expected OKS; 0 of traces.
        turns: (N,) intp, quarter turns of the picture in which they stand upright.
    """

    boxes: NDArray[np.float64]
    sizes: NDArray[np.float64]
    scores: NDArray[np.float64]
    turns: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, index: NDArray[np.generic]) -> "Places":
        return Places(*(getattr(self, field.name)[index] for field in dataclasses.fields(self)))

    def move(self, move: Callable[[NDArray[np.floating]], NDArray[np.floating]], grain: float) -> "Places":
        """The same places in other pixels, `grain` of which are one of before; upright boxes stay upright."""
        corners = move(self.boxes.reshape(-1, 2, 2))
        return dataclasses.replace(self, boxes=bound(corners).astype(np.float64), sizes=self.sizes * grain)

    @classmethod
    def join(cls, parts: Sequence["Places"]) -> "Places":
        """All of them, in order; one part at least."""
        return cls(*(np.concatenate([getattr(p, field.name) for p in parts]) for field in dataclasses.fields(cls)))


def find_places(sightings: Sightings, *, min_score: float = 0.0) -> Places:
    """Around the poses of a score from `min_score` on, with what is not seen of them where it is expected.

    Args:
        sightings: Who was seen.
        min_score: Of fewer nobody takes note.
    """
    chosen = sightings[sightings.scores >= min_score]
    boxes = bound(chosen.whole).astype(np.float64)
    sizes = np.hypot(*(boxes[:, 2:] - boxes[:, :2]).T)
    return Places(boxes, np.maximum(sizes, _LEAST_SIZE), chosen.scores.astype(np.float64), chosen.turns)


def find_traces(
    heatmaps: NDArray[np.float32], known: NDArray[np.floating], *, min_height: float, size: float, turns: int = 0
) -> Places:
    """Where the heatmaps of keypoints are high and nobody is known: people too small, or cut off, to make a pose.

    Args:
        heatmaps: (K + 1, h, w), the last is background.
        known: (N, 4) boxes of people, x and y of two corners in cells.
        min_height: From which on a heatmap is high.
        size: Of whoever is there, in cells; the network cannot tell.
        turns: Quarter turns of the picture that the heatmaps are of.

    Returns:
        Places in cells.
    """
    high = (heatmaps[:-1].max(axis=0) > min_height).astype(np.uint8)
    height, width = high.shape
    corners = np.concatenate([np.floor(known[:, :2]) - _BLUR, np.ceil(known[:, 2:]) + _BLUR + 1], axis=1)
    for left, top, right, bottom in corners.clip(0, [width, height, width, height]).astype(int).tolist():
        high[top:bottom, left:right] = 0
    if not high.any():
        return NOWHERE
    _, _, found, _ = cv2.connectedComponentsWithStats(cv2.dilate(high, np.ones((3, 3), np.uint8)))
    low, extent = found[1:, :2].astype(np.float64), found[1:, 2:4].astype(np.float64)  # the first is what is not high
    middle, half = low + (extent - 1) / 2, np.maximum(extent, size) / 2
    boxes = np.concatenate([middle - half, middle + half], axis=1)
    count = len(boxes)
    return Places(boxes, np.full(count, size), np.zeros(count), np.full(count, turns, np.intp))


NOWHERE = Places(np.zeros((0, 4)), np.zeros(0), np.zeros(0), np.zeros(0, np.intp))


def bound(xy: NDArray[np.floating]) -> NDArray[np.floating]:
    """Boxes (N, 4) around points (N, K, 2), x and y of two corners; NaN are left out."""
    return np.concatenate([np.fmin.reduce(xy, axis=1), np.fmax.reduce(xy, axis=1)], axis=1)
