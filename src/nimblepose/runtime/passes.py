"""How often and how large the network sees a picture as a whole, and how much more of it it may see."""

from collections.abc import Sequence
from typing import NamedTuple

from nimblepose.core.geometry import Placement, Size
from nimblepose.runtime.quality import FRAME_HEIGHT, Quality

_ANY_WAY = (0, 1, 2, 3)  # quarter turns


class Passes(NamedTuple):
    """What was asked for, as input sizes of pictures; made anew for every frame, so it is light.

    Attributes:
        stride: Input pixels per cell.
        quality: None: a single pass.
        input_height: Of the first pass; None: as the quality says, or `FRAME_HEIGHT`.
        scales: Multiples of the height over which a single pass is averaged.
        flip: Every run is averaged with the one of its mirror image.
        any_way_up: Pictures are turned, too.
    """

    stride: int
    quality: Quality | None = None
    input_height: int | None = None
    scales: Sequence[float] = (1.0,)
    flip: bool = False
    any_way_up: bool = False

    def place(self, size: Size, *, scale: float = 1.0, pixel_aspect: float = 1.0) -> Placement:
        """Where a picture lies in the network input, in the first pass."""
        if self.input_height is None and self.quality is not None:
            pixels = self.quality.count_pixels(size, pixel_aspect)[0]
            return Placement.cover(size, pixels, stride=self.stride, pixel_aspect=pixel_aspect)
        height = round((self.input_height or FRAME_HEIGHT) * scale)
        return Placement.fit(size, height, stride=self.stride, pixel_aspect=pixel_aspect)

    def place_all(self, size: Size, *, pixel_aspect: float = 1.0) -> list[tuple[int, Placement]]:
        """All passes over a picture: quarter turns, and where the turned picture lies in the input."""
        passes = []
        for turns in _ANY_WAY if self.any_way_up else (0,):
            turned, aspect = (size[::-1], 1 / pixel_aspect) if turns % 2 else (size, pixel_aspect)
            passes.append((turns, self.place(turned, pixel_aspect=aspect)))
            if self.quality and self.input_height is None:
                passes += [
                    (turns, Placement.cover(turned, pixels, stride=self.stride, pixel_aspect=aspect))
                    for pixels in self.quality.count_pixels(turned, aspect)[1:]
                ]
        return passes

    def find_bound(self, size: Size, *, pixel_aspect: float = 1.0) -> int:
        """Input pixels of all runs for a picture: what the quality allows, and what was asked for beyond it."""
        pixels = sum(map(_count, self.place_all(size, pixel_aspect=pixel_aspect)))
        if self.quality is None:
            return pixels
        beyond = self.input_height is not None or self.any_way_up
        most = self.quality.count_most_pixels(size, pixel_aspect)
        return most + (pixels - sum(self.quality.count_pixels(size, pixel_aspect)) if beyond else 0)

    def count_at_a_time(self, size: Size, *, pixel_aspect: float = 1.0) -> int:
        """The most input pixels that the network may see of a picture in one run."""
        largest = max(_count((0, self.place(size, scale=s, pixel_aspect=pixel_aspect))) for s in self.scales)
        if self.quality is None:
            return largest
        return max(largest, self.find_bound(size, pixel_aspect=pixel_aspect))

    def count_shown(self, size: Size, *, pixel_aspect: float = 1.0) -> int:
        """Input pixels that the network is shown of a picture in a single pass, mirrored and in all scales."""
        pixels = sum(_count((0, self.place(size, scale=s, pixel_aspect=pixel_aspect))) for s in self.scales)
        return pixels * (2 if self.flip else 1)


def _count(one: tuple[int, Placement]) -> int:
    height, width = one[1].input_size
    return height * width
