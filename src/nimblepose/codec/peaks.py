"""Heatmaps to peaks: where could a keypoint be, to a fraction of a cell."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from nimblepose.codec.options import DecodeOptions

# Five by five cells around a peak, row by row: the peak itself, and the four cells that touch it at a corner, with the
# cell beside it, and the one above or below it, that lie on the way there: (3, 4).
_REACH = np.arange(-2, 3)
_MIDDLE = 12
_AROUND = _MIDDLE + np.array([[-6, -4, 4, 6], [-1, 1, -1, 1], [-5, -5, 5, 5]])
_AXES = np.array([[[1]], [[5]]])  # from one of the 25 to the next along x, and along y
_LINES = _MIDDLE + _AXES * (-1, 0, 1)

# Cubic interpolation (Catmull-Rom) of five cells, a quarter cell off the middle one along x and y, each way: (25, 4).
_QUARTER = [-0.0234375, 0.2265625, 0.8671875, -0.0703125, 0]
_TAPS = np.array([_QUARTER, _QUARTER[::-1]], np.float32)
_HEIGHTS = np.kron(_TAPS, _TAPS).T.copy()

# Slope and bend of the parabola through three cells, (3, 2), and of the quadric through the inner nine of the 25: slope
# along x and y, bend along x, y and both, (25, 5). A Gaussian has no bend along both. What the corners say of it is
# half noise, and half of it was best; fitting all nine evenly lets neighbours in a crowd pull.
_SLOPE, _BEND, _MIDST = np.array([[0, -0.5, 0, 0.5, 0], [0, 1, -2, 1, 0], [0, 0, 1, 0, 0]], np.float32)
_PARABOLA = np.stack([_SLOPE, _BEND], axis=1)[1:-1]
_PAIRS = ((_MIDST, _SLOPE), (_SLOPE, _MIDST), (_MIDST, _BEND), (_BEND, _MIDST), (_SLOPE, _SLOPE / 2))
_QUADRIC = np.stack([np.kron(along_y, along_x) for along_y, along_x in _PAIRS], axis=1)
_DARK = np.float32(0.01)  # targets are cut there: below is noise, which has no logarithm worth knowing
_LEAST_BEND = np.float32(-1e-3)  # flatter tops lie anywhere
_MAX_TILT = np.float32(0.97)  # of the bend along both axes, so that a ridge does not carry its peak away
_SIZES = 256  # of maps, or of one side of them, whose indices are kept: pictures and looks have few


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
    _, height, width = heatmaps.shape
    flat = heatmaps.reshape(-1)
    top = flat > options.min_peak_score
    for step, line in ((1, width), (width, height * width)):
        higher, as_high = np.empty((2, len(flat)), bool)  # than the cell before it, than the one after it
        np.greater(flat[step:], flat[:-step], out=higher[:-step])
        np.greater_equal(flat[:-step], flat[step:], out=as_high[:-step])
        higher.reshape(-1, line)[:, -step:] = as_high.reshape(-1, line)[:, -step:] = True  # the border
        top[step:] &= higher[:-step]
        top &= as_high
    at = top.nonzero()[0]
    row, x = np.divmod(at, width)
    index = _list_around(row, x, heatmaps.shape)
    around = flat.take(index)
    height_at = around[:, _MIDDLE, None]
    corner, beside, along = around.take(_AROUND, axis=1).transpose(1, 0, 2)
    before = index.take(_AROUND[0], axis=1) < at[:, None]
    touching = (corner > height_at) | ((corner == height_at) & before)  # of equal ones the first counts
    touching &= np.maximum(beside, along) > options.max_saddle * height_at
    kept = (~np.logical_or.reduce(touching, axis=1)).nonzero()[0]
    kind, y = np.divmod(row.take(kept), height)
    xy = np.empty((len(kept), 2), np.float32)
    xy[:, 0], xy[:, 1] = x.take(kept), y
    peaks = Peaks(xy, flat.take(at.take(kept)), kind)
    few = len(peaks) <= options.max_peaks or np.bincount(kind).max() <= options.max_peaks
    return peaks if few else _keep_highest(peaks, options.max_peaks)


def _keep_highest(peaks: Peaks, most: int) -> Peaks:
    """The `most` highest peaks of each kind, in the order they came; of equal ones the first."""
    order = np.lexsort((-peaks.score, peaks.kind))
    rank = np.arange(len(peaks)) - np.searchsorted(peaks.kind, peaks.kind)  # kinds are sorted before and after
    kept = np.sort(order[rank < most])
    return Peaks(peaks.xy[kept], peaks.score[kept], peaks.kind[kept])


def _list_around(row: NDArray[np.intp], x: NDArray[np.intp], shape: tuple[int, ...]) -> NDArray[np.intp]:
    """Indices of the 25 cells around each of P, (P, 25), in maps of this shape; beyond the border it goes on as it is.

    Args:
        row: (P,) of all maps below each other.
        x: (P,) in it.
        shape: K, h, w.
    """
    kinds, height, width = shape
    rows = _list_reach(height, kinds).take(row, axis=0)
    rows *= width
    return np.asarray(rows[:, :, None] + _list_reach(width, 1).take(x, axis=0)[:, None]).reshape(-1, 25)


@lru_cache(_SIZES)
def _list_reach(length: int, lines: int) -> NDArray[np.intp]:
    """The places within reach of each place of a line, as many lines behind each other, (lines * length, 5)."""
    reach = np.minimum(np.maximum(np.arange(length)[:, None] + _REACH, 0), length - 1)
    return np.asarray(np.arange(lines)[:, None, None] * length + reach).reshape(-1, len(_REACH))


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
    cell = peaks.xy.T.astype(np.intp)
    around = heatmaps.reshape(-1).take(_list_around(peaks.kind * height + cell[1], cell[0], heatmaps.shape))
    score = np.maximum.reduce(around @ _HEIGHTS, axis=1)
    if min(height, width) < 3:
        return Peaks(peaks.xy, score, peaks.kind)  # too small a map to say more
    inward = np.minimum(np.maximum(cell, 1), [[width - 2], [height - 2]])
    inward -= cell
    return Peaks(peaks.xy + _move_to_top(np.log(np.maximum(around, _DARK)), inward).T, score, peaks.kind)


def _move_to_top(around: NDArray[np.float32], inward: NDArray[np.intp]) -> NDArray[np.floating]:
    """From whole cells to the tops of the Gaussians they belong to, (2, P) in cells.

    Args:
        around: (P, 25), logarithms of the cells around each.
        inward: (2, P), from each cell to the nearest one that is not on the border, along x and y.
    """
    numbers = (around @ _QUADRIC).T
    border = np.logical_or.reduce(inward, axis=0).nonzero()[0]
    if len(border):  # the corners of the nine would be far from the peak, where its Gaussian is cut
        lines = around[border[:, None], _LINES + _AXES * inward[:, border, None]]  # (2, B, 3)
        numbers[:4, border] = (lines @ _PARABOLA).transpose(2, 0, 1).reshape(4, -1)
        numbers[4, border] = 0
    slope, bend, tilt = numbers[:2], np.minimum(numbers[2:4], _LEAST_BEND), numbers[4]
    both = bend[0] * bend[1]
    most = _MAX_TILT * np.sqrt(both)
    tilt = np.minimum(np.maximum(tilt, -most), most)
    move = (tilt * slope[::-1] - bend[::-1] * slope) / (both - tilt * tilt)
    move += inward
    return np.asarray(np.minimum(np.maximum(move, np.float32(-0.5)), np.float32(0.5)))
