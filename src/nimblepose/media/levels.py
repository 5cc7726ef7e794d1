"""Pixels of more than 8 bits, brought to 8: which values become black and white?

Thermal cameras, and industrial ones of 10 and 12 bits, fill a small part of 16 bits; their upper 8 bits are a gray fog.
"""

import warnings
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.errors import OptionError

Levels = Literal["auto", "full"] | tuple[float, float]
"""Values that become black and white; all that the type can hold (`full`); or `auto`: `find_levels`."""

_DARKEST, _BRIGHTEST = 0.5, 99.5  # percentiles: single hot or dead pixels do not count
_FILLED = 0.5  # part of what 16 bits hold; whatever spans more of it is taken as it is
_SAMPLE = 250_000  # values that are looked at, about; more make no difference
_FULL = (0.0, 65535.0)
_MEMORY = 0.05  # how far steady levels move towards those of the next picture


def to_8_bits(values: NDArray[np.integer | np.floating], levels: Levels = "auto") -> NDArray[np.uint8]:
    """Values of more than 8 bits as 0..255; what lies beyond the levels becomes black or white.

    Args:
        values: Of any shape; uint16, or what has no range of its own (int32, float32), NaN being black.
        levels: What becomes black and white.
    """
    low, high = choose_levels(values, levels)
    if (low, high) == _FULL and values.dtype == np.uint16:
        return (values.view(np.uint16) >> 8).astype(np.uint8)
    scaled = (values.astype(np.float32) - np.float32(low)) * np.float32(255 / max(high - low, 1e-6))
    eight: NDArray[np.uint8] = np.nan_to_num(np.clip(np.rint(scaled), 0, 255)).astype(np.uint8)
    return eight


def choose_levels(values: NDArray[np.integer | np.floating], levels: Levels) -> tuple[float, float]:
    """Levels as numbers; where they had to be found, it is said once in a program that they are."""
    if levels == "full":
        return _FULL if values.dtype == np.uint16 else _extremes(values, 0, 100)
    if not isinstance(levels, str):
        return levels
    found = find_levels(values)
    if found != _FULL:
        warnings.warn(
            "pictures of more than 8 bits that do not fill their range: their darkest and brightest values are taken "
            "for black and white; --range LOW,HIGH (levels=(LOW, HIGH)) says others, full takes them as they are",
            RuntimeWarning,
            stacklevel=2,
        )
    return found


def find_levels(values: NDArray[np.integer | np.floating]) -> tuple[float, float]:
    """The range that a picture fills: its 0.5 and 99.5 percentiles; of 16 bits all, if it fills half of them."""
    low, high = _extremes(values, _DARKEST, _BRIGHTEST)
    if values.dtype == np.uint16 and high - low >= _FILLED * (_FULL[1] - _FULL[0]):
        return _FULL
    return low, high


def parse_levels(text: str) -> Levels:
    """As people write them.

    >>> parse_levels("7000,9000"), parse_levels("full")
    ((7000.0, 9000.0), 'full')

    Raises:
        OptionError: neither a word that is known nor two numbers, the lower one first.
    """
    match text.strip().lower():
        case "auto":
            return "auto"
        case "full":
            return "full"
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        low = high = 0.0
    if not -1e9 <= low < high <= 1e9:
        raise OptionError(f"a range of values is auto, full or LOW,HIGH such as 7000,9000; got {text!r}")
    return low, high


class SteadyLevels:
    """Levels of a video: found in its first picture, then moving slowly, so that nothing flickers."""

    def __init__(self, levels: Levels = "auto") -> None:
        """Begin; `levels` other than "auto" stay what they are."""
        self._levels = levels
        self._found: tuple[float, float] | None = None

    def to_8_bits(self, values: NDArray[np.uint16]) -> NDArray[np.uint8]:
        """The next picture of the video."""
        if self._levels != "auto":
            return to_8_bits(values, self._levels)
        now = choose_levels(values, "auto")
        if self._found is None or _FULL in (now, self._found):
            self._found = now
        else:
            low, high = (old + _MEMORY * (new - old) for old, new in zip(self._found, now, strict=True))
            self._found = low, high
        return to_8_bits(values, self._found)


def _extremes(values: NDArray[np.integer | np.floating], low: float, high: float) -> tuple[float, float]:
    flat = values.ravel()[:: max(1, values.size // _SAMPLE)]
    flat = flat[np.isfinite(flat)] if flat.dtype.kind == "f" else flat
    if not len(flat):
        return 0.0, 1.0
    darkest, brightest = np.percentile(flat, (low, high)).tolist()
    return darkest, brightest
