"""All looks at a picture on one canvas, which the network sees in one run."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.geometry import Size, rescale, turn_points
from nimblepose.looks.framing import Frames
from nimblepose.looks.packing import pack

_ROUNDING = 1e-6  # pixels: errors of this size must not reach for a pixel more, which may not be there


@dataclass(frozen=True, eq=False)
class Canvas:
    """N looks, each a part of a picture, resized by itself and put into cells of its own.

    Attributes:
        boxes: (N, 4) intp, x and y of the first pixel of a part, and of the one after the last.
        sizes: (N, 2) intp, height and width on the canvas, in cells, of the part as it is turned.
        corners: (N, 2) intp, row and column of the first of these cells.
        turns: (N,) intp, quarter turns, against the clock, that bring a part to the canvas.
        size: (height, width) of the canvas in cells.
        stride: Input pixels per cell.
    """

    boxes: NDArray[np.intp]
    sizes: NDArray[np.intp]
    corners: NDArray[np.intp]
    turns: NDArray[np.intp]
    size: Size
    stride: int

    def __len__(self) -> int:
        return len(self.turns)

    @property
    def input_size(self) -> Size:
        """(height, width) of the canvas in input pixels."""
        return self.size[0] * self.stride, self.size[1] * self.stride

    def grow(self, step: int) -> "Canvas":
        """The same looks on a canvas whose height and width are multiples of so many cells; what is added is empty."""
        height, width = (-(-cells // step) * step for cells in self.size)
        return replace(self, size=(height, width))

    def to_picture(self, look: int, xy: NDArray[np.floating]) -> NDArray[np.floating]:
        """Points (..., 2) in input pixels of one look, from its own corner on, to pixels of the picture."""
        left, top, right, bottom = self.boxes[look].tolist()
        size, turns = (bottom - top, right - left), int(self.turns[look])
        turned = size[::-1] if turns % 2 else size
        factor = np.array(turned[::-1]) / (self.sizes[look][::-1] * self.stride)
        back = turn_points(rescale(xy, factor), turned, -turns)
        return np.asarray(back + np.array([left, top], xy.dtype))

    def measure_pixel(self, look: int) -> NDArray[np.floating]:
        """Pixels of the picture that an input pixel of a look spans, along x and y."""
        left, top, right, bottom = self.boxes[look].tolist()
        across = self.sizes[look][::-1] if self.turns[look] % 2 == 0 else self.sizes[look]
        return np.asarray(np.array([right - left, bottom - top]) / (across * self.stride), np.float32)

    def cut(self, look: int, fields: NDArray[np.float32]) -> NDArray[np.float32]:
        """The cells of one look, (C, h, w), out of fields of the canvas (C, H, W); a view."""
        (top, left), (height, width) = self.corners[look].tolist(), self.sizes[look].tolist()
        return fields[:, top : top + height, left : left + width]


def build_canvas(frames: Frames, *, stride: int, gap: int, pixel_aspect: float = 1.0) -> Canvas:
    """Frames in whole cells, and packed.

    Args:
        frames: One at least, in pixels as they are shown.
        stride: Input pixels per cell.
        gap: Cells between two looks.
        pixel_aspect: Width over height of the picture's own pixels.
    """
    boxes, sizes = snap(frames, stride, pixel_aspect=pixel_aspect)
    corners, size = pack(sizes, gap=gap)
    return Canvas(boxes, sizes, corners, frames.turns, size, stride)


def snap(frames: Frames, stride: int, *, pixel_aspect: float = 1.0) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Frames in whole pixels of the picture (N, 4), and their heights and widths in whole cells (N, 2), turned."""
    aspect = np.array([pixel_aspect, 1.0, pixel_aspect, 1.0])
    boxes = frames.boxes / aspect
    boxes = np.concatenate([np.floor(boxes[:, :2] + _ROUNDING), np.ceil(boxes[:, 2:] - _ROUNDING)], axis=1)
    sizes = count_cells(Frames(boxes * aspect, frames.zooms, frames.turns), stride)
    return boxes.astype(np.intp), sizes


def count_cells(frames: Frames, stride: int) -> NDArray[np.intp]:
    """Heights and widths (N, 2) in cells, turned."""
    extent = (frames.boxes[:, 2:] - frames.boxes[:, :2])[:, ::-1] * (frames.zooms / stride)[:, None]
    cells = np.maximum(1, np.rint(extent)).astype(np.intp)
    odd = (frames.turns % 2 == 1)[:, None]
    return np.asarray(np.where(odd, cells[:, ::-1], cells))
