"""Pieces of a video put together: do they fit, which frame is which, which shot is which?"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nimblepose.batch.parts import Part, Row, unpack
from nimblepose.core.errors import MediaError
from nimblepose.media.endings import Ending
from nimblepose.media.frames import StreamInfo
from nimblepose.tracking.shots import is_cut


class SeamError(MediaError):
    """Two pieces do not show the same frame where they meet."""


@dataclass
class Joined:
    """What is known of a video when the last piece is through.

    Attributes:
        name: As it was given.
        info: As its first piece says.
        problems: What went wrong without ending everything, as reading the whole tells it.
        cpu: Seconds that finding took.
    """

    name: str
    info: StreamInfo
    problems: list[str] = dataclasses.field(default_factory=list)
    cpu: float = 0.0


class Joiner:
    """Frames of all pieces of a video, in order, as if it had been read from its beginning."""

    def __init__(self, name: str, *, counted: bool) -> None:
        """Of a video.

        Args:
            name: As it was given.
            counted: All pieces know the numbers of the whole; else at most the first one, from which they go on.
        """
        self.joined = Joined(name, StreamInfo(name))
        self._counted = counted
        self._last: dict[str, Any] | None = None  # border of the piece before
        self._small: NDArray[np.uint8] | None = None  # the last picture with contrast
        self._shot = self._frames = self._refused = 0
        self._latest = -1.0

    def join(self, parts: Iterable[Callable[[], Part]]) -> Iterator[Row]:
        """Frames with the numbers of the whole.

        Args:
            parts: Each reads the next one.

        Raises:
            SeamError: two pieces do not fit.
            MediaError: a piece has failed, or a part is damaged.
        """
        for number, read in enumerate(parts):
            facts, rows = read()
            if "failure" in facts:
                raise MediaError(str(facts["failure"]))
            self._check(facts)
            if not number:
                self.joined.info = _read_info(self.joined.name, facts["info"])
            yield from self._shift(facts, rows)
            self._note(facts)
            if facts["ending"]:
                self._tell(Ending(**facts["ending"]))
                return

    def _check(self, facts: dict[str, Any]) -> None:
        """Is the frame before a piece the last one of the piece before, to the last bit?"""
        before, last = facts["before"], self._last
        if last is None or (before is None and not facts["rows"] and facts["ending"] is None):
            return
        same = before is not None and (before["time"], before["pixels"]) == (last["time"], last["pixels"])
        if not same or (self._counted and before["index"] != last["index"]):
            raise SeamError(f"{self.joined.name}: its pieces do not fit where {facts['name']} begins")

    def _shift(self, facts: dict[str, Any], rows: Iterable[Row]) -> Iterator[Row]:
        """Numbers of frames and shots go on from the piece before."""
        frames, shot = 0 if self._counted else self._frames, self._shot
        first = facts["first_contrast"]
        cut_at = None
        if first is not None and first[0] >= 0 and self._small is not None and is_cut(self._small, unpack(first[1])):
            cut_at = first[0]
        for number, row in enumerate(rows):
            shot += number == cut_at
            stamp = dataclasses.replace(row.stamp, index=row.stamp.index + frames)
            self._shot = row.poses.shot + shot
            yield Row(stamp, dataclasses.replace(row.poses, shot=self._shot), row.failure)

    def _note(self, facts: dict[str, Any]) -> None:
        self._last = facts["last"] or self._last
        self._small = self._small if facts["last_contrast"] is None else unpack(facts["last_contrast"])
        if self._counted:
            self._frames = max(self._frames, facts["decoded"])
        else:
            self._frames += facts["decoded"]
        self._latest = max(self._latest, facts["latest"])
        self._refused += facts["refused"]
        self.joined.cpu += facts["cpu"]

    def _tell(self, ending: Ending) -> None:
        name = self.joined.name
        if self._refused:
            self.joined.problems.append(
                f"{name}: {self._refused} damaged pieces could not be decoded and were left out"
            )
        if problem := ending.tell(name, self._frames, self._latest):
            self.joined.problems.append(problem)


def _read_info(name: str, facts: dict[str, Any]) -> StreamInfo:
    rate, aspect = (None if pair is None else Fraction(*pair) for pair in (facts["rate"], facts["pixel_aspect"]))
    return StreamInfo(name, facts["duration"], rate, aspect or Fraction(1))
