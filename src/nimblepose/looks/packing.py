"""Rectangles onto as small a canvas as possible."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from nimblepose.core.geometry import Size

_SHAPES = (0.5, 1.0, 2.0)  # widths that are tried, squared, in areas of all rectangles


def pack(sizes: NDArray[np.intp], *, gap: int) -> tuple[NDArray[np.intp], Size]:
    """Where each rectangle lies, (N, 2) row and column, and the size of the canvas that holds them.

    The highest first, each as high up as it goes and then to the left, on canvases of several widths; the smallest is
    taken.

    Args:
        sizes: (N, 2) heights and widths in cells; one at least.
        gap: Cells between two of them.
    """
    padded = sizes + gap
    order = np.lexsort((-padded[:, 1], -padded[:, 0])).tolist()
    area, widest = int(padded.prod(axis=1).sum()), int(padded[:, 1].max())
    widths = {max(widest, int(np.ceil(np.sqrt(area * shape)))) for shape in _SHAPES} | {int(padded[:, 1].sum())}
    layouts = [_pack_within(padded, order, width) for width in sorted(widths)]
    canvases = [tuple((corners + sizes).max(axis=0).tolist()) for corners in layouts]
    best = min(range(len(canvases)), key=lambda i: canvases[i][0] * canvases[i][1])
    return layouts[best], canvases[best]


def _pack_within(padded: NDArray[np.intp], order: list[int], width: int) -> NDArray[np.intp]:
    corners = np.zeros_like(padded)
    skyline = np.zeros(width, np.intp)  # rows that are taken, of each column
    for i in order:
        height, wide = padded[i].tolist()
        tops = sliding_window_view(skyline, wide).max(axis=1)
        left = int(tops.argmin())
        corners[i] = tops[left], left
        skyline[left : left + wide] = tops[left] + height
    return corners
