"""Heads made unrecognisable, in a picture, and steadily over the frames of a video."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from nimblepose.core.heads import NO_HEADS, Heads
from nimblepose.media.pictures import Picture

_MOSAIC = 4  # what is left of a head: so many blurred patches across
_SAME = 0.6  # of a remembered head's size, that whatever takes its place must have at least
_GROWTH = 1.0  # per second, by which a remembered head is covered more widely: it may have moved


@dataclass(frozen=True, kw_only=True)
class RecentHeads:
    """Heads of the last moments of a video that nothing has taken the place of: whoever is missed for a few frames.

    A head is forgotten when another of about its size or more covers its centre, or when it is older than `seconds` and
    than `frames` frames. What hardly was a head is not remembered: it would come and go all over the picture.

    >>> once = RecentHeads().extend(np.float32([[9, 9, 4, 4, 1]]), time=0.0)
    >>> once.extend(NO_HEADS, time=0.04).heads[:, :2].tolist()
    [[9.0, 9.0]]
    """

    seconds: float = 0.5
    frames: int = 3  # where frames are sparse
    min_score: float = 0.1
    heads: Heads = field(default_factory=lambda: NO_HEADS)  # (M, 5) to cover in the frame last given, its own first
    times: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))  # (M,) seconds, when each was found
    ages: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, np.intp))  # (M,) frames since then
    time: float = 0.0  # of the frame last given

    def extend(self, heads: Heads, time: float) -> "RecentHeads":
        """Those up to this frame; the longer ago they were seen, the larger.

        Args:
            heads: (M, 5) ellipses of the frame.
            time: When it was taken, in seconds; time may run backwards, to look ahead.
        """
        ages = self.ages + 1
        young = (np.abs(time - self.times) <= self.seconds) | (ages <= self.frames)
        kept = young & (self.heads[:, 4] >= self.min_score) & ~_are_replaced(self.heads, heads)
        older = self.heads[kept]
        older[:, 2:4] *= 1 + _GROWTH * min(abs(time - self.time), self.seconds)
        return dataclasses.replace(
            self,
            heads=np.concatenate([heads, older]),
            times=np.concatenate([np.full(len(heads), time), self.times[kept]]),
            ages=np.concatenate([np.zeros(len(heads), np.intp), ages[kept]]),
            time=time,
        )


def look_ahead(frames: Iterable[tuple[float, Heads]]) -> list[Heads]:
    """Of each frame its heads, and those that come in the next moments where nobody is seen yet.

    Args:
        frames: (time in seconds, heads) of all frames of a recording, the last first.

    Returns:
        As many, the first frame first.
    """
    recent, ahead = RecentHeads(), []
    for time, heads in frames:
        recent = recent.extend(heads, time)
        ahead.append(recent.heads)
    return ahead[::-1]


def blur_heads(canvas: Picture, heads: Heads) -> None:
    """Replace ellipses of a picture by a few blurred patches, in place; what was there cannot be brought back."""
    height, width = canvas.shape[:2]
    for x, y, half_width, half_height in heads[:, :4].astype(np.float64):
        left, right = (int(np.clip(v, 0, width)) for v in (x - half_width, x + half_width + 2))
        top, bottom = (int(np.clip(v, 0, height)) for v in (y - half_height, y + half_height + 2))
        if right <= left or bottom <= top:
            continue
        region = canvas[top:bottom, left:right]
        small = cv2.resize(region, (_MOSAIC, _MOSAIC), interpolation=cv2.INTER_AREA)
        blurred = cv2.resize(small, region.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        rows, columns = np.ogrid[top:bottom, left:right]
        inside = ((columns - x) / half_width) ** 2 + ((rows - y) / half_height) ** 2 <= 1
        region[inside] = blurred[inside]


def _are_replaced(old: Heads, new: Heads) -> NDArray[np.bool_]:
    """Which of the old heads have a new one over their centre that is not much smaller, (len(old),)."""
    apart = (old[:, None, :2] - new[None, :, :2]) / new[None, :, 2:4]
    over = (apart**2).sum(axis=2) <= 1
    large = (new[None, :, 2:4] >= _SAME * old[:, None, 2:4]).all(axis=2)
    return np.asarray((over & large).any(axis=1))
