"""Heatmaps to peaks: where could a keypoint be, to a fraction of a cell."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nimblepose.codec.options import DecodeOptions

_AROUND = ((0, -1), (0, 1), (-1, 0), (1, 0), (-1, -1), (-1, 1), (1, -1), (1, 1))  # dy, dx; the likeliest first
_BORDER = np.float32(-np.inf)

# Cubic interpolation (Catmull-Rom) of five cells at -0.75, -0.25, 0.25 and 0.75 cells from the middle one, along x
# and y: (25, 16). It gives the twice upsampled heatmap around a peak without upsampling the rest of the picture.
_NEAR = [-0.0703125, 0.8671875, 0.2265625, -0.0234375]
_TAPS = np.array([[*_NEAR, 0], [*_NEAR[::-1], 0], [0, *_NEAR], [0, *_NEAR[::-1]]], np.float32)
_TWICE = np.kron(_TAPS, _TAPS).T.copy()


@dataclass(frozen=True, eq=False)
class Peaks:
    """P candidate keypoints of one picture as arrays, sorted by kind.

    Attributes:
        xy: (P, 2) float32, in cells (the centre of the first cell is (0, 0)).
        score: (P,) float32, height of the heatmap there.
        kind: (P,) which keypoint of the skeleton, ascending.
    """

    xy: NDArray[np.float32]
    score: NDArray[np.float32]
    kind: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.kind)


def find_peaks(heatmaps: NDArray[np.float32], options: DecodeOptions) -> Peaks:
    """Local maxima of heatmaps, in whole cells.

    A peak is higher than `min_peak_score` and the highest of the 3 x 3 cells around it; of equal neighbours the first
    counts, so that a plateau gives one peak; cells on the border count.

    Args:
        heatmaps: (K, h, w), one per keypoint, without background.
        options: `min_peak_score` is used.
    """
    kinds, height, width = heatmaps.shape
    framed = np.full((kinds, height + 2, width + 2), _BORDER, np.float32)
    framed[:, 1:-1, 1:-1] = heatmaps
    flat = framed.ravel()
    at = np.flatnonzero(flat > options.min_peak_score)
    value = flat[at]
    for dy, dx in _AROUND:
        step = dy * (width + 2) + dx
        other = flat[at + step]
        keep = value > other if step < 0 else value >= other
        at, value = at[keep], value[keep]
    row, x = np.divmod(at, width + 2)
    kind, y = np.divmod(row, height + 2)
    return Peaks(np.stack([x - 1, y - 1], axis=-1).astype(np.float32), value, kind)


def refine_peaks(peaks: Peaks, heatmaps: NDArray[np.float32]) -> Peaks:
    """Move whole-cell peaks to where the heatmap is highest between the cells, and read the height there.

    The heatmap is interpolated to half cells around each peak; the highest of the four nearest is moved to the top of
    the parabola through it and its neighbours, along x and along y, by a quarter cell at most.

    Args:
        peaks: In whole cells, as from `find_peaks`.
        heatmaps: (K, h, w), the same.
    """
    _, height, width = heatmaps.shape
    x, y = peaks.xy.astype(np.intp).T
    reach = np.arange(-2, 3)
    rows = peaks.kind[:, None] * height + np.clip(y[:, None] + reach, 0, height - 1)  # (P, 5)
    columns = np.clip(x[:, None] + reach, 0, width - 1)
    patch = heatmaps.reshape(-1)[rows[:, :, None] * width + columns[:, None, :]]  # (P, 5, 5)
    twice = (patch.reshape(-1, 25) @ _TWICE).reshape(-1, 4, 4)
    best = twice[:, 1:3, 1:3].reshape(-1, 4).argmax(axis=1)
    row, column = 1 + best // 2, 1 + best % 2
    p = np.arange(len(peaks))
    score = twice[p, row, column]

    def vertex(before: NDArray[np.float32], after: NDArray[np.float32]) -> NDArray[np.float32]:
        bend = np.maximum(2 * score - before - after, np.float32(1e-6))
        return np.asarray(np.clip((after - before) / (2 * bend), -0.5, 0.5), np.float32)

    dx = vertex(twice[p, row, column - 1], twice[p, row, column + 1])
    dy = vertex(twice[p, row - 1, column], twice[p, row + 1, column])
    cells = (np.stack([column + dx, row + dy], axis=-1) - 1.5) / 2
    return Peaks(peaks.xy + cells.astype(np.float32), score, peaks.kind)
