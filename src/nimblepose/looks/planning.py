"""Which looks: everybody's at the wanted size, or as closely as a canvas of so many pixels allows."""

import math

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.geometry import Size
from nimblepose.looks.canvas import Canvas, build_canvas
from nimblepose.looks.framing import Frames, frame, share
from nimblepose.looks.options import LookOptions
from nimblepose.looks.places import Places

_TRIALS = 12  # of looking less closely, until everything fits
_SLACK = 0.97  # of what the areas promise: there is waste between the looks


def plan_looks(
    places: Places,
    limits: Size,
    passes: NDArray[np.floating],
    options: LookOptions,
    *,
    stride: int,
    most_pixels: float,
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
        pixel_aspect: Width over height of the picture's own pixels.
    """
    shown = limits[0], limits[1] * pixel_aspect
    closeness = 1.0
    for _ in range(_TRIALS):
        frames = frame_all(places, shown, passes, options, closeness=closeness, stride=stride)
        if not len(frames):
            return None
        area = frames.measure_areas(options.gap * stride).sum()
        if area <= most_pixels:
            canvas = build_canvas(frames, stride=stride, gap=options.gap, pixel_aspect=pixel_aspect)
            area = math.prod(canvas.input_size)
            if area <= most_pixels:
                return canvas
        closeness *= min(0.95, max(0.5, _SLACK * math.sqrt(most_pixels / area)))
    return None


def frame_all(
    places: Places,
    limits: tuple[float, float],
    passes: NDArray[np.floating],
    options: LookOptions,
    *,
    closeness: float,
    stride: int,
) -> Frames:
    """Frames for every size of `options.sizes`, times `closeness`; arguments as in `plan_looks`."""
    parts = [
        share(
            frame(places, limits, passes, size * closeness, options),
            gap=options.gap * stride,
            alike=options.alike,
        )
        for size in options.sizes
    ]
    return Frames.join(parts)
