"""Heatmaps to peaks: where could a keypoint be, to a fraction of a cell."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nimblepose.codec.options import DecodeOptions

# Cubic interpolation (Catmull-Rom) of five cells at -0.75, -0.25, 0.25 and 0.75 cells from the middle one, along x
# and y: (25, 16). It gives the twice upsampled heatmap around a peak without upsampling the rest of the picture.
_NEAR = [-0.0703125, 0.8671875, 0.2265625, -0.0234375]
_TAPS = np.array([[*_NEAR, 0], [*_NEAR[::-1], 0], [0, *_NEAR], [0, *_NEAR[::-1]]], np.float32)
_TWICE = np.kron(_TAPS, _TAPS).T.copy()
_BESIDE = np.array([[-1], [1], [-1], [1]])  # the cells beside that lie on the way to the corners
_REACH = np.arange(-2, 3)
_MIDDLE = np.array([5, 6, 9, 10])  # the four half cells in the middle of those 4 x 4
_FROM_CENTRE = np.array([[-0.5, 0.5, -0.5, 0.5], [-0.5, -0.5, 0.5, 0.5]])  # where they lie, x and y, in half cells
_STEPS = np.array([[1], [4]])  # to the next half cell along x and along y


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

    A peak is higher than `min_peak_score` and than the cells beside, above and below it; of equal neighbours the first
    counts, so that a plateau gives one peak; cells on the border count. Of two peaks that touch at a corner the lower
    is dropped if the way between them stays above `max_saddle` of its height.

    Args:
        heatmaps: (K, h, w), one per keypoint, without background.
        options: `min_peak_score`, `max_saddle` are used.
    """
    kinds, height, width = heatmaps.shape
    line = width + 2
    framed = np.full((kinds, height + 2, line), -np.inf, np.float32)
    framed[:, 1:-1, 1:-1] = heatmaps
    flat = framed.reshape(-1)
    at = np.flatnonzero(flat > options.min_peak_score)
    for step in (1, line):
        value = flat[at]
        at = at[(value > flat[at - step]) & (value >= flat[at + step])]
    value = flat[at]
    corner, beside = flat[at + _corners(line)], flat[at + _BESIDE]
    before, after = flat[at - line], flat[at + line]
    beside = np.maximum(beside, np.stack([before, before, after, after]))  # the higher way to each corner
    higher = np.concatenate([corner[:2] >= value, corner[2:] > value])  # of equal ones the first counts
    at = at[~(higher & (beside > options.max_saddle * value)).any(axis=0)]
    row, x = np.divmod(at, line)
    kind, y = np.divmod(row, height + 2)
    return Peaks(np.stack([x - 1, y - 1], axis=-1).astype(np.float32), flat[at], kind)


def _corners(line: int) -> NDArray[np.intp]:
    """Steps to the four cells that touch at a corner, those before first."""
    return np.array([[-line - 1], [-line + 1], [line - 1], [line + 1]])


def refine_peaks(peaks: Peaks, heatmaps: NDArray[np.float32]) -> Peaks:
    """Move whole-cell peaks to where the heatmap is highest between the cells, and read the height there.

    The heatmap is interpolated to half cells around each peak; the highest of the four nearest is moved to the top of
    the parabola through it and its neighbours, along x and along y, by a quarter cell at most.

    Args:
        peaks: In whole cells, as from `find_peaks`.
        heatmaps: (K, h, w), the same.
    """
    _, height, width = heatmaps.shape
    x, y = peaks.xy.T.astype(np.intp)
    columns = np.minimum(np.maximum(x[:, None] + _REACH, 0), width - 1)  # (P, 5)
    rows = np.minimum(np.maximum(y[:, None] + _REACH, 0), height - 1)
    rows = (rows + peaks.kind[:, None] * height) * width
    patch = heatmaps.reshape(-1)[(rows[:, :, None] + columns[:, None, :]).reshape(-1, 25)]
    twice = (patch @ _TWICE).reshape(-1)  # (P * 16,), 4 x 4 half cells around each peak
    middle = np.arange(0, 16 * len(peaks), 16)[:, None] + _MIDDLE  # (P, 4)
    best = twice[middle].argmax(axis=1)
    at = np.arange(0, 16 * len(peaks), 16) + _MIDDLE[best]
    score, before, after = twice[at], twice[at - _STEPS], twice[at + _STEPS]  # (P,), (2, P), (2, P)
    bend = np.maximum(2 * score - before - after, np.float32(1e-6))
    offset = np.minimum(np.maximum((after - before) / (2 * bend), -0.5), 0.5) + _FROM_CENTRE[:, best]  # half cells
    return Peaks(peaks.xy + offset.T.astype(np.float32) / 2, score, peaks.kind)
