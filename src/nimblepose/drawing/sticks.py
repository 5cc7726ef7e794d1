"""Lines of any width, in fractions of a pixel, so that what is drawn grows with a person and never jumps."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from nimblepose.core.palette import Colour
from nimblepose.media.pictures import Picture

_SHIFT = 4  # OpenCV draws at 1/16 pixel
_FAR = 1e6  # pixels; beyond any picture, within what OpenCV's fixed point holds


def draw_stick(
    canvas: Picture,
    a: NDArray[np.floating],
    b: NDArray[np.floating],
    width: float,
    colour: Colour,
    *,
    round_ends: bool = True,
) -> None:
    """A line, in place.

    Args:
        canvas: (H, W, 3) uint8 RGB.
        a: Beginning, x and y in pixels.
        b: End.
        width: In pixels; at least 1 is drawn.
        colour: Of all of it.
        round_ends: Leave them out where a dot covers them.
    """
    half = max(0.0, (width - 1) / 2)  # OpenCV's soft edge is half a pixel wide, on either side
    if half * 2**_SHIFT < 1:
        cv2.line(canvas, to_fixed_point(a), to_fixed_point(b), colour, 1, cv2.LINE_AA, _SHIFT)
        return
    (x1, y1), (x2, y2) = to_fixed_point(a), to_fixed_point(b)
    length = math.hypot(x2 - x1, y2 - y1)
    if length:
        across, up = half * 2**_SHIFT * (y1 - y2) / length, half * 2**_SHIFT * (x2 - x1) / length
        corners = [[x1 + across, y1 + up], [x2 + across, y2 + up], [x2 - across, y2 - up], [x1 - across, y1 - up]]
        cv2.fillConvexPoly(canvas, np.rint(corners).astype(np.int32), colour, cv2.LINE_AA, _SHIFT)
    for end in (a, b) if round_ends else ():
        draw_dot(canvas, end, half, colour)


def draw_dot(canvas: Picture, centre: NDArray[np.floating], radius: float, colour: Colour) -> None:
    """A disc, in place; `radius` in pixels, to the middle of its soft edge."""
    fixed = round(radius * 2**_SHIFT)
    cv2.circle(canvas, to_fixed_point(centre), fixed, colour, cv2.FILLED, cv2.LINE_AA, _SHIFT)


def draw_ring(canvas: Picture, centre: NDArray[np.floating], radius: float, width: int, colour: Colour) -> None:
    """A circle, in place; `radius` to the middle of its line, both in pixels."""
    fixed = round(min(radius, _FAR) * 2**_SHIFT)
    cv2.circle(canvas, to_fixed_point(centre), fixed, colour, width, cv2.LINE_AA, _SHIFT)


def draw_frame(canvas: Picture, box: NDArray[np.floating], width: float, colour: Colour) -> None:
    """The four sides of a box, x, y, width and height, in place."""
    left, top = box[:2]
    right, bottom = box[:2] + box[2:]
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        draw_stick(canvas, a, b, width, colour)


def to_fixed_point(xy: NDArray[np.floating]) -> tuple[int, int]:
    """Pixels as OpenCV takes fractions of them."""
    x, y = (round(min(max(float(v), -_FAR), _FAR) * 2**_SHIFT) for v in xy)
    return x, y
