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
        summary = _summarize(shrink(picture))
        flat = _is_flat(summary)
        if known is not None:
            self._shot = known
        elif self._before is not None and not flat:
            self._shot += int(_is_other(self._before, summary))
        if not flat:
            self._before = summary
        return self._shot


def shrink(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What shots are told by, of a picture (H, W, 3): (18, 32, 3)."""
    thin, _ = thin_picture(picture)
    return np.asarray(cv2.resize(thin, _SIZE, interpolation=cv2.INTER_AREA), np.uint8)


def has_contrast(small: NDArray[np.uint8]) -> bool:
    """Does a shrunken picture show anything? Others are passed over."""
    return not _is_flat(_summarize(small))


def is_cut(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> bool:
    """Is there a cut between two shrunken pictures with contrast, as a `ShotCounter` that sees both counts it?"""
    return _is_other(_summarize(before), _summarize(after))


_Summary = tuple[Floats, Floats]


def _is_flat(summary: _Summary) -> bool:
    return bool(summary[0].std() < _FLAT)


def _is_other(before: _Summary, after: _Summary) -> bool:
    correlation = np.corrcoef(after[0], before[0])[0, 1]
    shared = np.minimum(after[1], before[1]).sum()
    return bool(correlation < _LEAST_CORRELATION and shared < _LEAST_SHARED)


def _summarize(small: NDArray[np.uint8]) -> _Summary:
    """Gray of a small version, (P,), and how its pixels are shared among 64 colours, (64,), summing to 1."""
    bins = (small.reshape(-1, 3) >> 6).astype(np.intp) @ (16, 4, 1)
    return small.mean(axis=-1).ravel(), np.bincount(bins, minlength=64) / len(bins)
