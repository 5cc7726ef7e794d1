"""Numbers of pictures, by which COCO results name them."""

from collections import Counter
from collections.abc import Sequence
from itertools import count
from pathlib import Path

_MAX_DIGITS = 15  # what every reader of JSON takes for a whole number


def number_pictures(files: Sequence[str]) -> list[int]:
    """A different number for each picture: that of its name, as COCO names files, if no other has it.

    The others get the first free numbers, in order. All follow from the names, whether or not a picture can be read.

    >>> number_pictures(["000000000139.jpg", "odd.jpg", "7.jpg", "also/7.jpg"])
    [139, 1, 2, 3]
    """
    stems = [Path(file).stem for file in files]
    named = [int(s) if s.isascii() and s.isdigit() and len(s) <= _MAX_DIGITS else None for s in stems]
    times = Counter(named)
    taken = {number for number in named if number is not None and times[number] == 1}
    free = (number for number in count(1) if number not in taken)
    return [number if number in taken else next(free) for number in named]
