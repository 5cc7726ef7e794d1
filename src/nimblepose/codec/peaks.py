"""Heatmaps to peaks: where could a keypoint be, to a fraction of a cell."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nimblepose.codec.options import DecodeOptions

# Cubic interpolation (Catmull-Rom) of five cells, a quarter cell off the middle one along x and y, each way: (25, 4).
_QUARTER = [-0.0234375, 0.2265625, 0.8671875, -0.0703125, 0]
_TAPS = np.array([_QUARTER, _QUARTER[::-1]], np.float32)
_HEIGHTS = np.kron(_TAPS, _TAPS).T.copy()
_BESIDE = np.array([[-1], [1], [-1], [1]])  # the cells beside that lie on the way to the corners
_REACH = np.arange(-2, 3)
_ROWS, _COLUMNS = np.repeat([-1, 0, 1], 3), np.tile([-1, 0, 1], 3)  # of the nine cells around a peak

# Slope and bend of the parabola through three cells, (3, 2), and of the quadric through nine, row by row: slope along
# x and y, bend along x, y and both, (9, 5). A Gaussian has no bend along both. What the corners say of it is half
# noise, and half of it was best; fitting all nine evenly lets neighbours in a crowd pull.
_SLOPE, _BEND, _MIDST = np.array([[-0.5, 0, 0.5], [1, -2, 1], [0, 1, 0]], np.float32)
_PARABOLA = np.stack([_SLOPE, _BEND], axis=1)
_PAIRS = ((_MIDST, _SLOPE), (_SLOPE, _MIDST), (_MIDST, _BEND), (_BEND, _MIDST), (_SLOPE, _SLOPE / 2))
_QUADRIC = np.stack([np.kron(along_y, along_x) for along_y, along_x in _PAIRS], axis=1)
_DARK = np.float32(0.01)  # targets are cut there: below is noise, which has no logarithm worth knowing
_LEAST_BEND = np.float32(-1e-3)  # flatter tops lie anywhere
_MAX_TILT = np.float32(0.97)  # of the bend along both axes, so that a ridge does not carry its peak away


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
    is dropped if the way between them stays above `max_saddle` of its height. Of each kind only the `max_peaks` highest
    are kept: real pictures have far fewer, and pairs are tried in a number that grows with the square.

    Args:
        heatmaps: (K, h, w), one per keypoint, without background.
        options: `min_peak_score`, `max_saddle`, `max_peaks` are used.
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
    corner, beside = flat[at + _list_corners(line)], flat[at + _BESIDE]
    before, after = flat[at - line], flat[at + line]
    beside = np.maximum(beside, np.stack([before, before, after, after]))  # the higher way to each corner
    higher = np.concatenate([corner[:2] >= value, corner[2:] > value])  # of equal ones the first counts
    at = at[~(higher & (beside > options.max_saddle * value)).any(axis=0)]
    row, x = np.divmod(at, line)
    kind, y = np.divmod(row, height + 2)
    xy = np.empty((len(at), 2), np.float32)
    xy[:, 0], xy[:, 1] = x - 1, y - 1
    peaks = Peaks(xy, flat[at], kind)
    few = len(peaks) <= options.max_peaks or np.bincount(kind).max() <= options.max_peaks
    return peaks if few else _keep_highest(peaks, options.max_peaks)


def _keep_highest(peaks: Peaks, most: int) -> Peaks:
    """The `most` highest peaks of each kind, in the order they came; of equal ones the first."""
    order = np.lexsort((-peaks.score, peaks.kind))
    rank = np.arange(len(peaks)) - np.searchsorted(peaks.kind, peaks.kind)  # kinds are sorted before and after
    kept = np.sort(order[rank < most])
    return Peaks(peaks.xy[kept], peaks.score[kept], peaks.kind[kept])


def _list_corners(line: int) -> NDArray[np.intp]:
    """Steps to the four cells that touch at a corner, those before first."""
    return np.array([[-line - 1], [-line + 1], [line - 1], [line + 1]])


def refine_peaks(peaks: Peaks, heatmaps: NDArray[np.float32]) -> Peaks:
    """Move whole-cell peaks to where the heatmap is highest between the cells, by half a cell at most.

    The logarithm of a Gaussian is a quadric, so its top is exactly that of the quadric through the logarithms of the
    nine cells around the peak (three along each axis where the peak lies on the border). The new score is the heatmap
    interpolated a quarter cell off the middle, in the best of the four directions.

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
    score = (patch @ _HEIGHTS).max(axis=1)
    if min(height, width) < 3:
        return Peaks(peaks.xy, score, peaks.kind)  # too small a map to say more
    return Peaks(peaks.xy + _move_to_top(x, y, peaks.kind, heatmaps), score, peaks.kind)


def _move_to_top(
    x: NDArray[np.intp], y: NDArray[np.intp], kind: NDArray[np.intp], heatmaps: NDArray[np.float32]
) -> NDArray[np.float32]:
    """From whole cells to the tops of the Gaussians they belong to, (P, 2) in cells."""
    _, height, width = heatmaps.shape
    middle_x, middle_y = np.minimum(np.maximum(x, 1), width - 2), np.minimum(np.maximum(y, 1), height - 2)
    at = (kind * height + middle_y) * width + middle_x
    around = _ROWS * width + _COLUMNS
    cells = np.log(np.maximum(heatmaps.reshape(-1)[at[:, None] + around], _DARK))  # (P, 9)
    slope_x, slope_y, bend_x, bend_y, tilt = (cells @ _QUADRIC).T
    border = np.flatnonzero((x != middle_x) | (y != middle_y))
    if len(border):  # the corners of the nine would be far from the peak, where its Gaussian is cut
        square, each = cells[border].reshape(-1, 3, 3), np.arange(len(border))
        slope_x[border], bend_x[border] = (square[each, (y - middle_y)[border] + 1] @ _PARABOLA).T
        slope_y[border], bend_y[border] = (square[each, :, (x - middle_x)[border] + 1] @ _PARABOLA).T
        tilt[border] = 0
    bend_x, bend_y = np.minimum(bend_x, _LEAST_BEND), np.minimum(bend_y, _LEAST_BEND)
    both = bend_x * bend_y
    most = _MAX_TILT * np.sqrt(both)
    tilt = np.minimum(np.maximum(tilt, -most), most)
    determinant = both - tilt * tilt
    top_x = (tilt * slope_y - bend_y * slope_x) / determinant + (middle_x - x)
    top_y = (tilt * slope_x - bend_x * slope_y) / determinant + (middle_y - y)
    move = np.empty((len(x), 2), np.float32)
    move[:, 0], move[:, 1] = top_x, top_y
    return np.minimum(np.maximum(move, -0.5), 0.5)
