"""Where to look in a frame of a video: at the whole of it, at everybody expected, and around for whoever is small."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.errors import OptionError
from nimblepose.core.geometry import Placement, Size
from nimblepose.looks.canvas import Canvas, snap
from nimblepose.looks.framing import Frames, share
from nimblepose.looks.packing import fill
from nimblepose.looks.places import Places

_OUTWARDS = np.array([-1.0, -1.0, 1.0, 1.0])
_AHEAD = (0, 1 / 2, 1 / 4, 3 / 4, 1 / 8, 5 / 8, 3 / 8, 7 / 8)  # of a round, that parts of a search in one frame are
_CLOSENESS = (1.0, 0.85, 0.72, 0.61, 0.52)  # that are tried, until everybody fits


@dataclass(frozen=True, kw_only=True)
class AttentionOptions:
    """How a canvas of one size is shared among what is to be seen in a frame.

    Raises:
        OptionError: a value out of its range.
    """

    height: int = 280  # input pixels of the canvas, which has the shape of the frame
    size: float = 150.0  # input pixels: people are looked at so that they are as large
    large: float = 0.75  # of that, from which on somebody is seen well enough in the whole frame
    margin: float = 0.25  # what is looked at around somebody, on each side, in parts of their size
    most_zoom: float = 3.0  # input pixels per pixel of the frame, at most
    alike: float = 1.5  # neighbours share a look if their zooms differ by less than this factor
    gap: int = 1  # cells between two looks
    search: tuple[float, ...] = (3.3, 11.0)  # times as closely as the whole frame, to look for small people
    search_size: float = 120.0  # input pixels: what moves is looked at so that it is as large
    overlap: float = 0.25  # of two neighbouring parts of a search
    wide: int = 4  # of so many frames (2 where nobody is) all but one show the whole alone if everybody is large enough

    def __post_init__(self) -> None:
        """Name the option that cannot be."""
        if not 32 <= self.height <= 8192 or not 32 <= self.size <= 2048:
            raise OptionError(f"height lies in [32, 8192], size in [32, 2048]; got {self.height} and {self.size}")
        if not all(factor > 1 for factor in self.search) or not 0 <= self.overlap < 1:
            raise OptionError(f"search has factors above 1, overlap lies in [0, 1); got {self.search}, {self.overlap}")


@dataclass(frozen=True, eq=False)
class Attention:
    """What is seen of a frame.

    Attributes:
        canvas: With everything; the whole frame comes first.
        looked: (N,) bool, which of the people expected have a look of their own, or need none.
    """

    canvas: Canvas
    looked: NDArray[np.bool_]


def size_canvas(limits: Size, options: AttentionOptions, *, stride: int, pixel_aspect: float = 1.0) -> Size:
    """(height, width) in cells of the canvas for frames of a size in their own pixels."""
    height, width = Placement.fit(limits, options.height, stride=stride, pixel_aspect=pixel_aspect).input_size
    return height // stride, width // stride


def attend(
    expected: Places,
    waiting: NDArray[np.integer],
    moving: Places,
    limits: Size,
    number: int,
    options: AttentionOptions,
    *,
    stride: int,
    pixel_aspect: float = 1.0,
) -> Attention:
    """A canvas of one size for frames of one size: the whole frame, people expected, and parts in which to search.

    Where everybody would be seen well in the whole frame, most frames show nothing else. Otherwise it takes a quarter
    of the canvas, a part in which to search an eighth, and people the rest: everybody less closely where they are many;
    where that is not enough, those who wait for longest. What is left is for searching: where something moves, and part
    by part everywhere.

    Args:
        expected: Where people should be, in pixels as they are shown.
        waiting: (N,) frames since each was looked at.
        moving: Where something else moves, in pixels as they are shown.
        limits: (height, width) of the frame in its own pixels.
        number: Of the frame, counted from 0.
        options: How.
        stride: Input pixels per cell.
        pixel_aspect: Width over height of the frame's own pixels.
    """
    shown = np.array([limits[1] * pixel_aspect, limits[0]])
    size = size_canvas(limits, options, stride=stride, pixel_aspect=pixel_aspect)
    sizes = expected.sizes * size[0] * stride / limits[0]
    moving = _leave_out(moving, expected)
    large = (sizes >= options.large * options.size).all()
    between = options.wide if len(expected) else 2
    if large and not len(moving):
        turn, left = divmod(number + 1, between)
        if left:
            return _see_whole_only(shown, size, len(expected), stride, pixel_aspect)
    else:
        turn = number
    half = max(1, (size[0] - options.gap) // 2), max(1, (size[1] - options.gap) // 2)
    tile = half[0], max(1, (half[1] - options.gap) // 2)
    zoom = half[0] * stride / limits[0]
    parts = _list_parts(shown, np.array(tile) * stride, zoom, options, turn)
    news = _frame_moving(moving, shown, np.array(tile) * stride, options)
    if len(news):  # in turn, and now and then a part of the search before them
        news = news[np.roll(np.arange(len(news)), -turn)]
        first = 0 if turn % 3 else min(1, len(parts))
        order = np.arange(len(parts))
        parts = Frames.join([parts[order[:first]], news, parts[order[first:]]])
    needs = expected.sizes * zoom < options.large * options.size
    people = _frame(expected[needs], shown, options)
    room = _Room(np.array([half]), np.array([tile][: len(parts)], np.intp).reshape(-1, 2), size, stride, pixel_aspect)
    chosen, seen = _choose(people, waiting[needs], room, options)
    whole = Frames(np.array([[0.0, 0.0, *shown]]), np.array([zoom]), np.zeros(1, np.intp))
    frames = Frames.join([whole, chosen, parts])
    _, cells = snap(frames, stride, pixel_aspect=pixel_aspect)
    cells[0] = half
    search = 1 + len(chosen)
    cells[search:] = np.minimum(cells[search:], tile)
    looked = ~needs
    looked[np.flatnonzero(needs)[seen]] = True
    return Attention(_lay(frames, cells, size, stride, pixel_aspect), looked)


def _see_whole_only(
    shown: NDArray[np.float64], size: Size, expected: int, stride: int, pixel_aspect: float
) -> Attention:
    """The whole frame, as large as the canvas."""
    whole = Frames(np.array([[0.0, 0.0, *shown]]), np.ones(1), np.zeros(1, np.intp))
    return Attention(_lay(whole, np.array([size]), size, stride, pixel_aspect), np.ones(expected, bool))


def _leave_out(moving: Places, expected: Places) -> Places:
    """What moves where nobody is expected."""
    middle = (moving.boxes[:, None, :2] + moving.boxes[:, None, 2:]) / 2
    margin = 0.5 * expected.sizes[:, None]
    inside = (middle >= expected.boxes[:, :2] - margin) & (middle <= expected.boxes[:, 2:] + margin)
    known = (inside[..., 0] & inside[..., 1]).sum(axis=1)
    return moving[known == 0]


def _frame_moving(
    moving: Places, shown: NDArray[np.float64], tile: NDArray[np.intp], options: AttentionOptions
) -> Frames:
    """A look at each, no larger than a part in which to search, (height, width) in input pixels."""
    boxes = moving.boxes + 0.5 + options.margin * moving.sizes[:, None] * _OUTWARDS
    boxes = np.clip(boxes, 0, [*shown, *shown])
    extent = np.maximum(boxes[:, 2:] - boxes[:, :2], 1)
    zooms = np.minimum(options.search_size / moving.sizes, options.most_zoom)
    zooms = np.minimum(zooms, (tile[::-1] / extent).min(axis=1))
    return Frames(boxes, zooms, moving.turns)


def _frame(places: Places, shown: NDArray[np.float64], options: AttentionOptions) -> Frames:
    """A look at each."""
    boxes = places.boxes + 0.5 + options.margin * places.sizes[:, None] * _OUTWARDS
    boxes = np.clip(boxes, 0, [*shown, *shown])
    return Frames(boxes, np.minimum(options.size / places.sizes, options.most_zoom), places.turns)


@dataclass(frozen=True, eq=False)
class _Room:
    """What there is on a canvas beside people: cells (1, 2) of the whole frame, and (0 or 1, 2) of a search."""

    whole: NDArray[np.intp]
    search: NDArray[np.intp]
    size: Size
    stride: int
    pixel_aspect: float

    def find_fitting(self, frames: Frames, gap: int) -> NDArray[np.bool_]:
        """Which of N looks find room, (N,); the last element says it of everything else, (N + 1,) in all."""
        _, cells = snap(frames, self.stride, pixel_aspect=self.pixel_aspect)
        fits = fill(np.concatenate([self.whole, cells, self.search]), self.size, gap=gap)[:, 0] >= 0
        return np.append(fits[1 : 1 + len(cells)], fits[1 + len(cells) :].all())


def _choose(
    people: Frames, waiting: NDArray[np.integer], room: _Room, options: AttentionOptions
) -> tuple[Frames, NDArray[np.intp]]:
    """Looks for which there is room, and at whom they are."""
    inside = np.flatnonzero(((people.boxes[:, 2:] - people.boxes[:, :2]) >= 2).all(axis=1))
    if not len(inside):
        return people[inside], inside
    for closeness in _CLOSENESS:
        closer = Frames(people.boxes, people.zooms * closeness, people.turns)[inside]
        frames = share(closer, gap=options.gap * room.stride, alike=options.alike)
        tall = (frames.boxes[:, 3] - frames.boxes[:, 1]) * frames.zooms
        frames = frames[np.argsort(-tall, kind="stable")]
        if room.find_fitting(frames, options.gap).all():
            return frames, inside
    turn = inside[np.argsort(-waiting[inside], kind="stable")]
    frames = Frames(people.boxes, people.zooms * _CLOSENESS[-1], people.turns)[turn]
    chosen = np.flatnonzero(room.find_fitting(frames, options.gap)[:-1])
    while not room.find_fitting(frames[chosen], options.gap).all():
        chosen = chosen[:-1]
    return frames[chosen], turn[chosen]


def _lay(frames: Frames, cells: NDArray[np.intp], size: Size, stride: int, pixel_aspect: float) -> Canvas:
    """What fits of some frames, in their order."""
    boxes, _ = snap(frames, stride, pixel_aspect=pixel_aspect)
    corners = fill(cells, size, gap=1)
    fits = corners[:, 0] >= 0
    return Canvas(boxes[fits], cells[fits], corners[fits], frames.turns[fits], size, stride)


def _list_parts(
    shown: NDArray[np.float64], tile: NDArray[np.intp], zoom: float, options: AttentionOptions, number: int
) -> Frames:
    """Parts in which to search, the one whose turn it is first; some more, in case that there is room.

    Args:
        shown: (width, height) of the frame in pixels as shown.
        tile: (height, width) of such a part on the canvas, in input pixels.
        zoom: Input pixels per pixel with which the whole frame is seen.
        options: `search`, `overlap` and `most_zoom` are used.
        number: Counts the frames in which this is done.
    """
    zooms = [zoom * factor for factor in options.search if zoom * factor <= options.most_zoom]
    grids = [_tile(shown, np.minimum(tile[::-1] / closer, shown), options.overlap) for closer in zooms]
    boxes, chosen = np.zeros((0, 4)), np.zeros(0)
    for k, ahead in enumerate(_AHEAD if grids else ()):  # one would do to see everything, more are sooner done
        grid, closer = grids[(number + k) % len(grids)], zooms[(number + k) % len(grids)]
        box = grid[(number // len(grids) + round(ahead * len(grid))) % len(grid)]
        boxes, chosen = np.concatenate([boxes, box[None]]), np.append(chosen, closer)
    return Frames(boxes, chosen, np.zeros(len(chosen), np.intp))


def _tile(shown: NDArray[np.float64], extent: NDArray[np.float64], overlap: float) -> NDArray[np.float64]:
    """Boxes (N, 4) of one extent (width, height) that cover a frame, row by row."""
    counts = np.maximum(1, np.ceil((shown - overlap * extent) / ((1 - overlap) * extent) - 1e-9)).astype(int)
    lefts, tops = (np.linspace(0, s - e, n) for s, e, n in zip(shown, extent, counts, strict=True))
    corners = np.stack(np.meshgrid(lefts, tops), axis=-1).reshape(-1, 2)
    return np.concatenate([corners, corners + extent], axis=1)
