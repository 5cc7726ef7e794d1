"""A folder of pictures as a video."""

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from nimblepose.core.errors import MediaError, OptionError
from nimblepose.media.frames import EVERYTHING, Frame, Selection, StreamInfo
from nimblepose.media.pictures import read_picture


class PictureFrames:
    """Pictures, one after the other, at a rate of your choice; one that cannot be read is left out, and told."""

    live = False
    dropped = 0

    def __init__(self, name: str, pictures: list[Path], selection: Selection = EVERYTHING, *, rate: float = 25) -> None:
        """Sort them as people count: `f2.png` before `f10.png`.

        Args:
            name: Of the folder or pattern.
            pictures: Its files.
            selection: Which of them.
            rate: Pictures per second.

        Raises:
            OptionError: the rate is not above 0.
        """
        if not rate > 0:
            raise OptionError(f"a folder of frames needs a rate above 0, got {rate}")
        self._pictures, self._selection, self._rate = sorted(pictures, key=_split_digits), selection, rate
        self._closed = False
        self.problems: list[str] = []
        self.info = StreamInfo(name, len(pictures) / rate, Fraction(rate).limit_denominator(1001))

    def __iter__(self) -> Iterator[Frame]:
        """Frames in order; index is the place in the folder."""
        for index, path in enumerate(self._pictures):
            time = round(index / self._rate, 6)
            if self._closed or self._selection.is_over(time):
                return
            if not self._selection.wants(index, time):
                continue
            try:
                yield Frame(index, time, read_picture(path))
            except MediaError as error:
                self.problems.append(str(error))

    def close(self) -> None:
        """Deliver no further frame."""
        self._closed = True


def _split_digits(path: Path) -> list[tuple[int, str]]:
    """Sorts digits by their value.

    >>> sorted([Path("f10.png"), Path("f9.png")], key=_split_digits)[0].name
    'f9.png'
    """
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", str(path))]
