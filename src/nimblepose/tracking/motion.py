"""How the camera has moved from frame to frame, by the picture itself: what is not people stays where it is."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

Shift = tuple[float, float]
STILL: Shift = (0.0, 0.0)

_SIZE = (128, 72)  # width and height that pictures are compared at
_BLOCKS = (16, 9)  # of such a picture, which vote
_COARSE = 0.15  # cycles per pixel of it: the standard deviation of what counts; finer is noise
_PEAKS = 3  # that are tried
_FARTHEST = 0.25  # of width and height: of pictures moved by more too little is shared
_LEAST_SHIFT = 0.3  # pixels of it; less is within the error
_CLEAR = 1.0  # gray levels by which the difference of a block must change to say anything
_LESS = 0.7  # of the difference of a block that is left where it speaks for a shift
_LEAST_BLOCKS = 12  # that must say so
_FOR = 2.0  # times as many as speak against it
_LEFT = 0.65  # of the difference of all blocks, above which nothing is explained: behind cuts it is 0.67 and more
_WELL = 0.3  # of it, below which no other shift is tried
_OUTSIDE, _LARGEST = -1e4, 256.0  # gray level of what a shifted picture does not show, and what no difference reaches
_TINY = np.float32(1e-6)


class CameraMotion:
    """Measures the shift between each picture of one stream and the next.

    Phase correlation (C. D. Kuglin, D. C. Hines: The phase correlation image alignment method, 1975) of small gray
    pictures proposes shifts by its highest peaks. Then parts of the picture vote: a shift is the camera's only if it
    brings many of them nearer to what is seen now, if far fewer of them are better explained by a camera at rest, and
    if it explains a good part of all that has changed. So people who walk in front of a camera at rest are outvoted by
    what is behind them, and nothing explains what is behind a cut.
    """

    def __init__(self) -> None:
        """Nothing was seen yet."""
        self._before: _Small | None = None

    def measure(self, picture: NDArray[np.uint8], *, known: Shift | None = None) -> Shift:
        """How far the next picture, (H, W, 3), shows everything from where it was in the one before, x and y in pixels.

        (0, 0) where the camera is at rest, and where nothing can be told: at a cut, of the first picture, in the dark.

        Args:
            picture: Of the stream; thinned out, it is as good (`nimblepose.tracking.thinning`).
            known: What was said of it before, which stays.
        """
        gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        small = _Small(np.asarray(cv2.resize(gray, _SIZE, interpolation=cv2.INTER_AREA), np.float32))
        before, self._before = self._before, small
        if known is not None or before is None:
            return STILL if known is None else known
        x, y = _find_shift(before, small)
        return x * picture.shape[1] / _SIZE[0], y * picture.shape[0] / _SIZE[1]


@dataclass(frozen=True, eq=False)
class _Small:
    """A small gray picture, (h, w)."""

    gray: NDArray[np.float32]

    @cached_property
    def spectrum(self) -> NDArray[np.complexfloating]:
        """Of the picture as it fades out towards its border, where shifted ones differ most."""
        return np.fft.rfft2((self.gray - self.gray.mean()) * _WINDOW)


def _find_shift(before: _Small, now: _Small) -> Shift:
    """The shift from one small picture to another, in its pixels, that most blocks agree on."""
    at_rest = _measure_blocks(before.gray, now.gray)
    if np.count_nonzero(at_rest > _CLEAR) < _LEAST_BLOCKS:
        return STILL
    best, least = STILL, _LEFT
    for shift in _propose_shifts(before, now):
        if not (np.hypot(*shift) >= _LEAST_SHIFT and (np.abs(shift) <= _FARTHEST * np.array(_SIZE)).all()):
            continue
        way = np.array([[1, 0, shift[0]], [0, 1, shift[1]]])
        moved = cv2.warpAffine(before.gray, way, _SIZE, borderMode=cv2.BORDER_CONSTANT, borderValue=_OUTSIDE)
        shifted = _measure_blocks(np.asarray(moved, np.float32), now.gray)
        inside = shifted < _LARGEST
        there, still = shifted[inside], at_rest[inside]
        clear = np.abs(there - still) > _CLEAR
        agreeing = int(np.count_nonzero(clear & (there < _LESS * still)))
        against = int(np.count_nonzero(clear & (still < _LESS * there)))
        left = float(there.sum() / still.sum())
        if agreeing >= max(_LEAST_BLOCKS, _FOR * against) and left < least:
            best, least = shift, left
            if left < _WELL:
                break
    return best


def _measure_blocks(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean difference of two small pictures in each block, in gray levels; of what lies outside it is thousands."""
    return np.asarray(cv2.resize(cv2.absdiff(one, other), _BLOCKS, interpolation=cv2.INTER_AREA))


def _propose_shifts(before: _Small, now: _Small) -> Iterator[Shift]:
    """The highest peaks of the phase correlation of two small pictures, in turn: one may be at rest, one a person's."""
    cross = now.spectrum * before.spectrum.conj()
    cross /= np.maximum(np.abs(cross), _TINY)
    correlation = np.fft.irfft2(cross * _WEIGHTS, s=now.gray.shape)
    left = correlation.copy()
    for _ in range(_PEAKS):
        y, x = divmod(int(left.argmax()), _SIZE[0])
        yield _refine(correlation, y, x)
        left[np.ix_(np.arange(y - 1, y + 2) % _SIZE[1], np.arange(x - 1, x + 2) % _SIZE[0])] = -np.inf


def _refine(correlation: NDArray[np.floating], y: int, x: int) -> Shift:
    """The top of the parabolas through a cell and its neighbours along both axes, as a shift: periodic, both ways."""
    height, width = correlation.shape
    row, column = correlation[y, np.arange(x - 1, x + 2) % width], correlation[np.arange(y - 1, y + 2) % height, x]
    along_x, along_y = x + _find_top(row), y + _find_top(column)
    return (along_x + width / 2) % width - width / 2, (along_y + height / 2) % height - height / 2


def _find_top(values: NDArray[np.floating]) -> float:
    """Of the parabola through three values, from the one in the middle, which is not below the others; up to a half."""
    left, middle, right = values.tolist()
    bend = left - 2 * middle + right
    return float(np.clip((left - right) / (2 * bend), -0.5, 0.5)) if bend < 0 else 0.0


def _make_window() -> NDArray[np.float32]:
    """Hann's along both axes, of which the border counts a little, too."""
    width, height = _SIZE
    return np.outer(np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1]).astype(np.float32)


def _make_weights() -> NDArray[np.float32]:
    """How much each frequency counts."""
    width, height = _SIZE
    squares = np.fft.fftfreq(height)[:, None] ** 2 + np.fft.rfftfreq(width) ** 2
    return np.exp(-squares / (2 * _COARSE**2)).astype(np.float32)


_WINDOW, _WEIGHTS = _make_window(), _make_weights()
