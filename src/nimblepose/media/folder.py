"""A folder of pictures as a video."""

import logging
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from nimblepose.core.errors import MediaError, OptionError
from nimblepose.media.frame_names import place_frames
from nimblepose.media.frames import EVERYTHING, Frame, Selection, StreamInfo
from nimblepose.media.levels import Levels, choose_levels
from nimblepose.media.pictures import read_deep, read_picture

_log = logging.getLogger(__name__)
_LOOKS = 8  # pictures of a folder that its levels are found in


class PictureFrames:
    """Pictures, one after the other, at a rate of your choice; one that cannot be read is left out, and told.

    Names that count say which frame a picture is, and those of clocks when it was taken: see `place_frames`.
    """

    live = False
    dropped = 0

    def __init__(
        self,
        name: str,
        pictures: list[Path],
        selection: Selection = EVERYTHING,
        *,
        rate: float,
        levels: Levels,
    ) -> None:
        """Sort them as people count: `f2.png` before `f10.png`.

        Args:
            name: Of the folder or pattern.
            pictures: Its files, one at least.
            selection: Which of them.
            rate: Pictures per second, where their names do not say when they were taken.
            levels: Of pictures of more than 8 bits: which values become black and white.

        Raises:
            OptionError: the rate is not above 0.
        """
        if not rate > 0:
            raise OptionError(f"a folder of frames needs a rate above 0, got {rate}")
        self._pictures, self._selection = sorted(pictures, key=_split_digits), selection
        self.names = [path.name for path in self._pictures]
        self._places, self._note = place_frames([path.stem for path in self._pictures], rate)
        self._levels, self._name, self._closed = levels, name, False
        self.problems: list[str] = []
        self.info = StreamInfo(name, self._places[-1][1] + 1 / rate, Fraction(rate).limit_denominator(1001))

    def __iter__(self) -> Iterator[Frame]:
        """Frames in order."""
        if self._note:
            _log.warning("%s: %s", self._name, self._note)
        levels = self._choose_levels()
        for path, (index, time) in zip(self._pictures, self._places, strict=True):
            if self._closed or self._selection.is_over(time):
                return
            if not self._selection.wants(index, time):
                continue
            try:
                yield Frame(index, time, read_picture(path, levels=levels), path.name)
            except MediaError as error:
                self.problems.append(str(error))

    def _choose_levels(self) -> Levels:
        """Levels for all of them, by a few from all over: equal values look equal in all frames."""
        if self._levels != "auto":
            return self._levels
        found = []
        for path in self._pictures[:: -(-len(self._pictures) // _LOOKS)]:
            try:
                values = read_deep(path)
            except MediaError:
                continue  # told when its turn comes
            if values is None:
                return "auto"
            found.append(values.ravel())
        return choose_levels(np.concatenate(found), "auto") if found else "auto"

    def close(self) -> None:
        """Deliver no further frame."""
        self._closed = True


def _split_digits(path: Path) -> list[tuple[int, str]]:
    """Sorts digits by their value.

    >>> sorted([Path("f10.png"), Path("f9.png")], key=_split_digits)[0].name
    'f9.png'
    """
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", str(path))]
