"""Frames of videos, seen by looks that were planned from what was found in frames before."""

from collections.abc import Iterable, Iterator
from contextlib import closing

from nimblepose.core.poses import Poses
from nimblepose.looks.canvas import Canvas
from nimblepose.media.pictures import Picture
from nimblepose.runtime.looking import Observer
from nimblepose.runtime.streaming import INPUT_PIXELS, Allowance, map_in_order


def watch_frames(
    observer: Observer, frames: Iterable[tuple[Picture, Canvas]], *, most: int, pixel_aspect: float = 1.0
) -> Iterator[Poses]:
    """Everybody in each of many frames, in order; `most` at a time are under way, so that plans may depend on results.

    Args:
        observer: Sees them; it is called by several threads.
        frames: (H, W, 3) uint8 RGB and its plan, taken in the caller's thread; each plan may depend on what was found
            `most` frames before.
        most: How many.
        pixel_aspect: Width over height of their pixels as they are shown.
    """
    memory = Allowance(INPUT_PIXELS)

    def watch(item: tuple[Picture, Canvas]) -> Poses:
        with memory.taken() as take:
            take(item[1].input_size[0] * item[1].input_size[1])
            return observer.watch(*item, pixel_aspect=pixel_aspect)

    with closing(map_in_order(watch, frames, workers=most, most=most)) as results:
        yield from results
