"""One stream of frames, whatever they come from."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Protocol

from nimblepose.core.errors import OptionError
from nimblepose.core.geometry import Size
from nimblepose.media.pictures import Picture


@dataclass(frozen=True, eq=False)
class Frame:
    """A picture with its place in a video."""

    index: int  # counts the frames of the source from 0, those left out by a `Selection` or dropped included
    time: float  # seconds since the source began, strictly increasing; by the source's own time stamps
    image: Picture  # (H, W, 3) uint8 RGB, upright
    name: str = ""  # of its file, where every frame is one

    @property
    def stamp(self) -> "Stamp":
        """All but the pixels."""
        return Stamp(self.index, self.time, (self.image.shape[0], self.image.shape[1]), self.name)


@dataclass(frozen=True)
class Stamp:
    """Where and when a frame was, without its pixels."""

    index: int
    time: float  # seconds
    size: Size  # (height, width) in pixels
    name: str = ""  # of its file, where every frame is one


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which frames are wanted: start <= time < end, and of those every n-th by index."""

    every: int = 1
    start: float = 0.0  # seconds
    end: float | None = None  # seconds; None: to the end
    after: int = -1  # only frames of a larger index: what a resumed run has not seen

    def __post_init__(self) -> None:
        """Refuse what selects nothing.

        Raises:
            OptionError: every < 1, start < 0, or end <= start.
        """
        if self.every < 1 or self.start < 0 or (self.end is not None and self.end <= self.start):
            raise OptionError(
                f"every must be at least 1 and 0 <= start < end; got {self.every}, {self.start}, {self.end}"
            )

    def wants(self, index: int, time: float) -> bool:
        """Is this frame, not beyond the end, one of them?"""
        return index > self.after and index % self.every == 0 and time >= self.start

    def is_over(self, time: float) -> bool:
        """Will no frame from `time` on be wanted?"""
        return self.end is not None and time >= self.end


EVERYTHING = Selection()


@dataclass(frozen=True)
class StreamInfo:
    """What a source says of itself."""

    name: str  # fit to be printed and written: no passwords
    duration: float | None = None  # seconds
    rate: Fraction | None = None  # frames per second on average, as declared
    pixel_aspect: Fraction = Fraction(1)  # width / height of an upright pixel; known with the first frame
    started: datetime | None = None  # of live sources: UTC at time 0, by our clock; known with the first frame
    rotation: int = 0  # degrees with the clock, by which frames were turned because somebody asked for it


class FrameSource(Protocol):
    """Delivers frames once, in order; close it, or use it up, to release what it holds.

    Attributes:
        info: What it says of itself.
        live: Frames that nobody takes in time are gone.
        dropped: How many are.
        problems: What went wrong without ending everything, in sentences.
    """

    info: StreamInfo
    live: bool
    dropped: int
    problems: list[str]

    def __iter__(self) -> Iterator[Frame]: ...

    def close(self) -> None:
        """Deliver no further frame and release the source; may be called twice, and by another thread."""
