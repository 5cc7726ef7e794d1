"""Time in equal steps that widen as a recording grows: hours and seconds take the same memory."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

MAX_BINS = 800  # steps; about as many as a wide screen can show
_NARROWEST = 1 / 64  # seconds; narrower than frames are apart


@dataclass(frozen=True, eq=False)
class Sighting:
    """One pose at one time."""

    file: str  # the picture, or the video
    frame: int
    time: float  # seconds
    identity: int | None
    score: float  # of the whole pose
    keypoints: NDArray[np.float32]  # (K, 2) in pixels; NaN = not found
    seen: NDArray[np.bool_]  # (K,)

    @property
    def found(self) -> int:
        """How many keypoints were."""
        return int(self.seen.sum())


@dataclass(eq=False)
class Step:
    """One identity within one bin: sums, so that two bins become one by adding."""

    sums: NDArray[np.float64]  # (M,) of its measures
    counts: NDArray[np.int64]  # (M,) how often each could be taken
    place: NDArray[np.float64]  # (3,) sums of the hub's x and y, and how often it was found
    time: float  # sum of the times of all sightings
    sightings: int
    weakest: Sighting

    def add(self, other: "Step") -> None:
        """Take in a later one."""
        self.sums, self.counts, self.place = (
            self.sums + other.sums, self.counts + other.counts, self.place + other.place,
        )  # fmt: skip
        self.time, self.sightings = self.time + other.time, self.sightings + other.sightings
        self.weakest = min(self.weakest, other.weakest, key=lambda sighting: sighting.score)

    @property
    def values(self) -> NDArray[np.float64]:
        """(M,) means of its measures; NaN where none could be taken."""
        with np.errstate(invalid="ignore"):
            return np.asarray(np.where(self.counts > 0, self.sums / self.counts, np.nan))

    @property
    def xy(self) -> tuple[float, float]:
        """Mean place of the hub in pixels; NaN if it was not found."""
        x, y, count = self.place.tolist()
        return (x / count, y / count) if count else (math.nan, math.nan)


@dataclass(eq=False)
class Bin:
    """Everybody within one step of time."""

    frames: int = 0
    poses: int = 0
    steps: dict[int, Step] = field(default_factory=dict)  # of those who have an identity
    weakest: Sighting | None = None  # of everybody

    def add(self, other: "Bin") -> None:
        """Take in a later one."""
        self.frames, self.poses = self.frames + other.frames, self.poses + other.poses
        if self.weakest is None or (other.weakest and other.weakest.score < self.weakest.score):
            self.weakest = other.weakest
        for identity, step in other.steps.items():
            if identity in self.steps:
                self.steps[identity].add(step)
            else:
                self.steps[identity] = step


class WideningBins:
    """Bins from the first time on, at most `MAX_BINS`: when there would be more, each two become one."""

    def __init__(self) -> None:
        self.width = _NARROWEST  # seconds
        self._start: float | None = None
        self._bins: dict[int, Bin] = {}

    def __iter__(self) -> Iterator[tuple[float, Bin]]:
        """Begin in seconds and bin, in the order of time; without those of no frame."""
        start = self._start or 0.0
        return ((start + index * self.width, self._bins[index]) for index in sorted(self._bins))

    def add(self, time: float, what: Bin) -> None:
        """Add what was there at a time; a time before the first one counts to the first bin."""
        self._start = time if self._start is None else self._start
        while (index := max(0, int((time - self._start) / self.width))) >= MAX_BINS:
            self._widen()
        if index in self._bins:
            self._bins[index].add(what)
        else:
            self._bins[index] = what

    def _widen(self) -> None:
        earlier, self._bins, self.width = self._bins, {}, 2 * self.width
        for index in sorted(earlier):
            if index // 2 in self._bins:
                self._bins[index // 2].add(earlier[index])
            else:
                self._bins[index // 2] = earlier[index]
