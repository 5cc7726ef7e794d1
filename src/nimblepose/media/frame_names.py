"""What the names of the pictures of a folder say of when they were taken."""

import math
import re
from collections.abc import Sequence
from itertools import islice, pairwise

import numpy as np

_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_EPOCH = 946_684_800.0, 4_102_444_800.0  # seconds from 1970 to 2000 and to 2100: what clocks say
_MANY = 10  # numbers that differ by less are counted, not timed
_FEW = 5  # missing numbers that are named


def place_frames(stems: Sequence[str], rate: float) -> tuple[list[tuple[int, float]], str]:
    """Index and time of each picture by the names of the files, and what is to be said of it.

    Names that differ in one number count frames; the first is frame 0, and where numbers are missing, frames are. If
    all numbers are multiples of another (0005, 0010, 0020), that is the step. Names that are times (seconds of an
    epoch, or such in milli-, micro- or nanoseconds; a unit behind the number; steps of milliseconds that are about, but
    not quite, equal) say when a picture was taken, pauses included. All others follow each other at the rate.

    Args:
        stems: Names without endings, in order.
        rate: Pictures per second of names that count.

    Returns:
        Frame index and seconds per name, and a remark, perhaps empty.

    >>> place_frames(["f_0003", "f_0004", "f_0007"], 10)
    ([(0, 0.0), (1, 0.1), (4, 0.4)], 'the numbers 5, 6 are missing: their frames are left out, times go on')
    >>> place_frames(["1700000000000", "1700000000040", "1700000002000"], 25)[0]
    [(0, 0.0), (1, 0.04), (2, 2.0)]
    """
    numbers, suffix = _read_numbers(stems)
    if not numbers:
        return [(i, round(i / rate, 6)) for i in range(len(stems))], ""
    unit = _find_unit(numbers, suffix)
    if unit:
        times = [round((number - numbers[0]) * _UNITS[unit], 6) for number in numbers]
        return list(enumerate(times)), f"names are taken for times in {unit}; rename the files where they are not"
    steps = [int(b - a) for a, b in pairwise(numbers)]
    step = math.gcd(*steps)
    indices = [int(number - numbers[0]) // step for number in numbers]
    return [(i, round(i / rate, 6)) for i in indices], _name_missing(int(numbers[0]), step, indices)


def _read_numbers(stems: Sequence[str]) -> tuple[list[float], str]:
    """The one number in which names differ, strictly growing, and the letters behind it; else nothing."""
    whole = [re.fullmatch(r"(\D*)(\d+\.\d+)(\D*)", stem) for stem in stems]
    if stems and all(whole):  # seconds with decimals
        parts = [[m[1], m[2], m[3]] for m in whole if m]
    else:
        parts = [re.split(r"(\d+)", stem) for stem in stems]
    if len({len(p) for p in parts}) != 1 or len(stems) < 2:
        return [], ""
    differing = [i for i in range(len(parts[0])) if len({p[i] for p in parts}) > 1]
    if len(differing) != 1 or differing[0] % 2 == 0:
        return [], ""
    numbers = [float(p[differing[0]]) if "." in p[differing[0]] else int(p[differing[0]]) for p in parts]
    growing = all(a < b for a, b in pairwise(numbers))
    return (numbers, parts[0][differing[0] + 1]) if growing else ([], "")


def _find_unit(numbers: Sequence[float], suffix: str) -> str | None:
    """Of the numbers, if they are times."""
    letters = re.match(r"[a-z]*", suffix.lower())
    if letters and letters[0] in _UNITS:
        return letters[0]
    for unit, seconds in _UNITS.items():
        if all(_EPOCH[0] <= number * seconds <= _EPOCH[1] for number in (numbers[0], numbers[-1])):
            return unit
    if any(number % 1 for number in numbers):
        return "s"
    steps = np.diff(np.array(numbers, np.float64))
    usual = float(np.median(steps))
    about = np.abs(steps - usual) <= 0.1 * usual
    jitters = math.gcd(*(int(s) for s in steps)) < usual / 2
    return "ms" if len(steps) > 2 and usual >= _MANY and jitters and about.mean() >= 0.7 else None


def _name_missing(first: int, step: int, indices: Sequence[int]) -> str:
    absent = indices[-1] + 1 - len(indices)
    if not absent:
        return ""
    between = (i for a, b in pairwise(indices) for i in range(a + 1, b))
    numbers = ", ".join(str(first + step * i) for i in islice(between, _FEW))
    more = f" and {absent - _FEW} more" if absent > _FEW else ""
    return f"the numbers {numbers}{more} are missing: their frames are left out, times go on"
