"""Rectangles onto as small a canvas as possible."""

import math

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.geometry import Size

_SHAPES = (0.6, 1.0, 1.7)  # areas of all rectangles that the square of the width is: the widths that are tried
_MANY = 16  # rectangles, of which any width wastes little: one is tried


def pack(sizes: NDArray[np.intp], *, gap: int) -> tuple[NDArray[np.intp], Size]:
    """Where each rectangle lies, (N, 2) row and column, and the size of the canvas that holds them.

    The highest first, each as high up as it goes and then to the left, on canvases of several widths, or all side by
    side; the smallest canvas is taken.

    Args:
        sizes: (N, 2) heights and widths in cells; one at least.
        gap: Cells between two of them.
    """
    padded = (sizes + gap).tolist()
    order = sorted(range(len(padded)), key=lambda i: (-padded[i][0], -padded[i][1], i))
    area, widest = sum(height * width for height, width in padded), max(width for _, width in padded)
    shapes = _SHAPES if len(padded) < _MANY else _SHAPES[1:2]
    widths = {max(widest, math.ceil(math.sqrt(area * shape))) for shape in shapes}
    if len(padded) < _MANY:
        widths.add(sum(width for _, width in padded))
    layouts = [np.array(_pack_within(padded, order, width), np.intp) for width in sorted(widths)]
    canvases: list[Size] = [tuple((corners + sizes).max(axis=0).tolist()) for corners in layouts]
    best = min(range(len(canvases)), key=lambda i: canvases[i][0] * canvases[i][1])
    return layouts[best], canvases[best]


def _pack_within(padded: list[list[int]], order: list[int], width: int) -> list[tuple[int, int]]:
    """Corners (row, column) on a canvas of one width, with the gaps."""
    corners = [(0, 0)] * len(padded)
    skyline = [(0, 0, width)]  # steps from left to right: first column, first free row, columns
    for i in order:
        top, first = min(_list_places(skyline, padded[i][1], width))
        corners[i] = top, skyline[first][0]
        skyline = _put(skyline, padded[i], top, first)
    return corners


def fill(sizes: NDArray[np.intp], size: Size, *, gap: int) -> NDArray[np.intp]:
    """Where each rectangle lies on a canvas of one size, (N, 2) row and column; (-1, -1) where there is no room for it.

    In the order given, each as high up as it goes and then to the left.

    Args:
        sizes: (N, 2) heights and widths in cells.
        size: Height and width of the canvas.
        gap: Cells between two of them.
    """
    rows, width = size[0] + gap, size[1] + gap
    corners = np.full((len(sizes), 2), -1, np.intp)
    skyline = [(0, 0, width)]
    for i, padded in enumerate((sizes + gap).tolist()):
        top, first = min(_list_places(skyline, padded[1], width), default=(rows, 0))
        if top + padded[0] <= rows:
            corners[i] = top, skyline[first][0]
            skyline = _put(skyline, padded, top, first)
    return corners


def _put(skyline: list[tuple[int, int, int]], size: list[int], top: int, first: int) -> list[tuple[int, int, int]]:
    """The steps with a rectangle that begins with one of them, on a row."""
    high, wide = size
    left = skyline[first][0]
    return [*skyline[:first], (left, top + high, wide), *_cut_before(skyline[first:], left + wide)]


def _list_places(skyline: list[tuple[int, int, int]], wide: int, width: int) -> list[tuple[int, int]]:
    """Where something fits: the row on which it stands if it begins with a step, and which step."""
    places = []
    for first, (left, top, _) in enumerate(skyline):
        if left + wide > width:
            break
        for column, row, _ in skyline[first + 1 :]:
            if column >= left + wide:
                break
            top = max(top, row)
        places.append((top, first))
    return places


def _cut_before(skyline: list[tuple[int, int, int]], column: int) -> list[tuple[int, int, int]]:
    """The steps from a column on."""
    return [
        (max(left, column), row, left + columns - max(left, column))
        for left, row, columns in skyline
        if left + columns > column
    ]
