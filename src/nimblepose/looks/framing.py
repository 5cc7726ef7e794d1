"""How closely to look: what is framed, at which zoom, and who shares a look with whom."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nimblepose.looks.options import LookOptions
from nimblepose.looks.places import Places

_OUTWARDS = np.array([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True, eq=False)
class Frames:
    """N parts of a picture, each to be looked at with one zoom. Index like an array.

    Attributes:
        boxes: (N, 4) float64, x and y of two corners, counted from the corner of the first pixel, as it is shown.
        zooms: (N,) float64, input pixels per pixel of the picture.
        turns: (N,) intp, quarter turns.
    """

    boxes: NDArray[np.float64]
    zooms: NDArray[np.float64]
    turns: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.zooms)

    def __getitem__(self, index: NDArray[np.generic]) -> "Frames":
        return Frames(self.boxes[index], self.zooms[index], self.turns[index])

    @classmethod
    def join(cls, parts: Sequence["Frames"]) -> "Frames":
        """All of them, in order; one part at least."""
        return cls(*(np.concatenate([getattr(p, field.name) for p in parts]) for field in dataclasses.fields(cls)))

    def measure_areas(self, gap: float) -> NDArray[np.float64]:
        """Input pixels (N,) that they take on a canvas, with a gap of so many beside and below."""
        extent = (self.boxes[:, 2:] - self.boxes[:, :2]) * self.zooms[:, None] + gap
        return np.asarray(extent[:, 0] * extent[:, 1])


def frame(
    places: Places,
    limits: tuple[float, float],
    passes: NDArray[np.floating],
    size: float,
    options: LookOptions,
    *,
    closeness: float = 1.0,
) -> Frames:
    """What to look at so that everybody is seen about `size` input pixels large, or `closeness` times as large.

    A look at somebody pays `estimate_gain`; where that is too little, nobody looks.

    Args:
        places: Where somebody is.
        limits: (height, width) of the picture, as it is shown.
        passes: (P,) zooms, in input pixels per pixel, with which the whole picture was seen before; one at least.
        size: In input pixels.
        closeness: Up to 1: less closely than would be best.
        options: `margin`, `min_gain`, `too_large` and `most_zoom` are used.
    """
    zooms = np.minimum(size / places.sizes, options.most_zoom * passes.max()) * closeness
    gain = estimate_gain(places.scores, zooms / passes.max(), too_large=options.too_large * passes.max() / passes.min())
    wanted = gain >= options.min_gain
    places, zooms = places[wanted], zooms[wanted]
    height, width = limits
    boxes = places.boxes + 0.5 + options.margin * places.sizes[:, None] * _OUTWARDS
    boxes = np.clip(boxes, 0, [width, height, width, height])
    inside = ((boxes[:, 2:] - boxes[:, :2]) >= 2).all(axis=1)  # of who is outside, nothing can be seen
    return Frames(boxes, zooms, places.turns)[inside]


def estimate_gain(
    scores: NDArray[np.floating], closer: NDArray[np.floating], *, too_large: float
) -> NDArray[np.floating]:
    """OKS that a look at each of N people adds, (N,): of what they lack, the more the closer it is.

    (1 - score) (1 - 1 / closer); in `benchmarks/looks_study.py` it stands beside what was gained. Of people who are
    seen smaller in the look, the same with how many times smaller, beyond `too_large` times.

    Args:
        scores: (N,) OKS to expect of who was seen.
        closer: (N,) times, than in the closest pass.
        too_large: From which on seeing somebody smaller adds anything.
    """
    times = np.maximum(closer, 1 / (closer * too_large))
    return np.asarray((1 - scores) * np.maximum(1 - 1 / times, 0))


def share(frames: Frames, *, gap: float, alike: float) -> Frames:
    """Neighbours of about one size in one frame, wherever that takes fewer input pixels than two.

    In rounds: of each frame the best partner is looked for, and those that have chosen each other are joined, at the
    greater of their zooms.

    Args:
        frames: One for each place.
        gap: Input pixels between two looks.
        alike: Ratio of zooms up to which two are joined.
    """
    while len(frames) > 1:
        boxes, zooms, count = frames.boxes, frames.zooms, len(frames)
        low, high = boxes[:, :2], boxes[:, 2:]
        extent = np.maximum(high[:, None], high) - np.minimum(low[:, None], low)
        zoom = np.maximum(zooms[:, None], zooms)
        sides = extent * zoom[..., None] + gap
        own = frames.measure_areas(gap)
        saved = own[:, None] + own - sides[..., 0] * sides[..., 1]
        apart = zoom > alike * np.minimum(zooms[:, None], zooms)
        saved[apart | (frames.turns[:, None] != frames.turns)] = -np.inf
        saved[np.diag_indices(count)] = -np.inf
        best, index = saved.argmax(axis=1), np.arange(count)
        one = np.flatnonzero((best[best] == index) & (index < best) & (saved[index, best] > 0))
        if not len(one):
            break
        other = best[one]
        boxes, zooms = boxes.copy(), zooms.copy()
        boxes[one] = np.concatenate([np.minimum(low[one], low[other]), np.maximum(high[one], high[other])], axis=1)
        zooms[one] = zoom[one, other]
        kept = np.ones(count, bool)
        kept[other] = False
        frames = Frames(boxes, zooms, frames.turns)[kept]
    return frames
