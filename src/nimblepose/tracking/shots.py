"""Where one shot ends and another begins: nobody is followed across a hard cut."""

import cv2
import numpy as np
from numpy.typing import NDArray

from nimblepose.tracking.thinning import thin_picture
from nimblepose.tracking.tracks import Floats

_SIZE = (32, 18)  # width and height that pictures are compared at
_LEAST_CORRELATION = 0.5  # of the gray of two pictures of one shot
_LEAST_SHARED = 0.75  # of their colours, as shares of pixels per bin of 4 x 4 x 4
_FLAT = 4.0  # gray levels of standard deviation below which a picture shows nothing: black, a fade, a fault


class ShotCounter:
    """Numbers the shots of one stream from 0.

    A cut is where both the layout and the colours change at once. Layout alone changes when a camera shakes or pans,
    colours alone when a light is switched on. Pictures without any contrast are passed over.
    Of pictures seconds apart it says little: much changes in between.
    """

    def __init__(self) -> None:
        """Nothing was seen yet."""
        self._shot = 0
        self._before: tuple[Floats, Floats] | None = None

    def count(self, picture: NDArray[np.uint8], *, known: int | None = None) -> int:
        """The number of the shot that the next picture, (H, W, 3), belongs to.

        Args:
            picture: Of the stream.
            known: What was said of it before, which stays.
        """
        gray, colours = _summarize(picture)
        flat = gray.std() < _FLAT
        if known is not None:
            self._shot = known
        elif self._before is not None and not flat:
            correlation = np.corrcoef(gray, self._before[0])[0, 1]
            shared = np.minimum(colours, self._before[1]).sum()
            self._shot += int(correlation < _LEAST_CORRELATION and shared < _LEAST_SHARED)
        if not flat:
            self._before = gray, colours
        return self._shot


def _summarize(picture: NDArray[np.uint8]) -> tuple[Floats, Floats]:
    """Gray of a small version, (P,), and how its pixels are shared among 64 colours, (64,), summing to 1."""
    thin, _ = thin_picture(picture)
    small = np.asarray(cv2.resize(thin, _SIZE, interpolation=cv2.INTER_AREA), np.uint8)
    bins = (small.reshape(-1, 3) >> 6).astype(np.intp) @ (16, 4, 1)
    return small.mean(axis=-1).ravel(), np.bincount(bins, minlength=64) / len(bins)
