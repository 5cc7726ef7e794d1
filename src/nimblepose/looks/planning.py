"""Which looks: everybody's at the wanted size, or as closely as a canvas of so many pixels allows."""

import math

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.geometry import Size
from nimblepose.looks.canvas import Canvas, build_canvas
from nimblepose.looks.framing import Frames, frame, share
from nimblepose.looks.options import LookOptions
from nimblepose.looks.places import Places

_TRIALS = 8  # of looking less closely, until everything fits
_MOST_SAVED = 4.0  # times less than apart that frames take together, at most: beyond, sharing is not tried
_SLACK = 0.92  # of what the areas promise: there is waste between the looks


def plan_looks(
    places: Places,
    limits: Size,
    passes: NDArray[np.floating],
    options: LookOptions,
    *,
    stride: int,
    most_pixels: float,
    step: int = 1,
    pixel_aspect: float = 1.0,
) -> Canvas | None:
    """A canvas with everybody who should be looked at again; None if there is nobody.

    Where they are too many for `most_pixels`, everybody is looked at less closely, until all fit; those for whom the
    passes before were as close have been seen, and need no look then.

    Args:
        places: Where somebody is, in pixels as they are shown.
        limits: (height, width) of the picture in its own pixels.
        passes: (P,) zooms with which the whole picture was seen before, in input pixels per pixel as shown.
        options: Which size is wanted, and so on.
        stride: Input pixels per cell.
        most_pixels: Of the canvas, gaps included.
        step: Cells that its sides are multiples of.
        pixel_aspect: Width over height of the picture's own pixels.
    """
    shown, gap = (limits[0], limits[1] * pixel_aspect), options.gap * stride

    def frame_all(closeness: float) -> list[Frames]:
        return [frame(places, shown, passes, size, options, closeness=closeness) for size in options.sizes]

    closeness = 1.0
    for _ in range(_TRIALS):
        apart = frame_all(closeness)
        area = _measure(apart, gap)
        if not area:
            return None
        if area <= most_pixels * _MOST_SAVED:
            together = [share(frames, gap=gap, alike=options.alike) for frames in apart]
            saved = _measure(together, gap) / area
            if saved * area <= most_pixels:
                canvas = build_canvas(Frames.join(together), stride=stride, gap=options.gap, pixel_aspect=pixel_aspect)
                canvas = canvas.grow(step)
                pixels = math.prod(canvas.input_size)
                if pixels <= most_pixels:
                    return canvas
                saved *= pixels / (saved * area)
        else:
            saved = 1 / _MOST_SAVED
        closeness *= min(0.97, max(0.3, math.sqrt(_SLACK * most_pixels / (saved * area))))
    return None


def _measure(parts: list[Frames], gap: float) -> float:
    return float(sum(frames.measure_areas(gap).sum() for frames in parts))
