"""Peaks and PAFs to limbs: score every pair of peaks that a limb could join."""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from nimblepose.codec.options import DecodeOptions
from nimblepose.codec.peaks import Peaks
from nimblepose.core.skeleton import Skeleton

_CROWD = 500  # pairs from which on it pays to glance at each before reading it
_GREAT_CROWD = 20_000  # pairs from which on matrices of them are faster than lists
_MIN_GLANCE = np.float32(0.05)  # PAF in the middle between two peaks from which on they are worth a second look
_MIN_SHARE = np.float32(0.6)  # of the best pair's glance from the same start, and to the same end
_MIN_GREAT_SHARE = np.float32(0.4)  # the same in a great crowd, of the PAF in the middle alone
_BLOCK = 16384  # pairs scored at a time: more take memory, fewer take more calls
_GREAT_BLOCK = 2 * _BLOCK  # the same in a great crowd, where few are left of them
_SOME_PAF = 0.05  # from which on a place counts as part of a limb
_OPENCV_LIMIT = 32766  # rows or columns that cv2.remap takes
_HALF, _QUARTERS = np.array([0.5], np.float32), np.array([0.25, 0.75], np.float32)
_TINY = np.float32(1e-6)  # cells; two peaks in one place point nowhere

Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Connections:
    """C limbs between peaks as arrays.

    Attributes:
        limb: (C,) which limb of the skeleton.
        start: (C,) peak it comes from.
        end: (C,) peak it leads to.
        score: (C,) float32 in [0, 1].
    """

    limb: NDArray[np.intp]
    start: NDArray[np.intp]
    end: NDArray[np.intp]
    score: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.limb)

    def __getitem__(self, index: NDArray[np.generic]) -> "Connections":
        return Connections(self.limb[index], self.start[index], self.end[index], self.score[index])


def score_limbs(
    peaks: Peaks,
    pafs: NDArray[np.float32],
    skeleton: Skeleton,
    options: DecodeOptions,
    *,
    paf_offset: float = 0.0,
) -> Connections:
    """Score all pairs of peaks that a limb could join, all limbs at once.

    The score of a pair is the mean over points evenly on the segment of the PAF along it (not below 0, not above 1),
    times the score of its weaker end: a limb is no surer than either of its keypoints. The mean is lowered for very
    long limbs, by 1 - `long_limb` * side / length, as in OpenPose (arXiv:1812.08008, its public code), but with the
    longer side instead of the height: who lies in a wide picture is as long as who stands in a tall one.

    Args:
        peaks: In cells.
        pafs: (2L, h, w), limb l owns channels 2l (x) and 2l + 1 (y).
        skeleton: Names the L limbs.
        options: `limb_samples`, `min_limb_score`, `min_limb_share`, `long_limb`,
            `prune_crowds` are used.
        paf_offset: Cells to the lower right at which the value of a place is read.
    """
    height, width = pafs.shape[1:]
    longest = np.float32(options.long_limb * max(height, width))
    pafs = np.ascontiguousarray(pafs, np.float32)
    xy = np.maximum(peaks.xy.T, 0, order="C")  # all x, then all y: OpenCV would copy others
    np.minimum(xy, np.array([[width - 1], [height - 1]], np.float32), out=xy)
    xy += np.float32(paf_offset)
    share = _list_shares(options.limb_samples)

    found: list[tuple[Indices, Indices, Indices, NDArray[np.float32]]] = []
    count = np.bincount(peaks.kind, minlength=len(skeleton.keypoints))
    pairs = np.multiply.reduce(count.take(skeleton.limb_indices), axis=1)
    great = options.prune_crowds and int(pairs.sum()) > _GREAT_CROWD
    for block in _split_limbs(pairs, _GREAT_BLOCK if great else _BLOCK, _OPENCV_LIMIT // (2 * height)):
        field = pafs[2 * block.start : 2 * block.stop]
        ends = skeleton.limb_indices[block]
        limb, pair = _glance(field, xy, count, ends) if great else _list_pairs(count, ends)
        lines = _Lines.join(xy, limb, pair, height)
        if options.prune_crowds and len(limb) > _CROWD:
            near = _choose_near(field, lines, limb, pair)
            limb, pair, lines = limb.take(near), pair.take(near, axis=1), lines.take(near)
        along = _read_along(field, lines, share)
        paf = np.add.reduce(along, axis=0) / len(share) + np.minimum(longest / lines.length - 1, 0)
        one, other = peaks.score.take(pair)
        score = paf * np.minimum(one, other)
        whole = np.add.reduce(along > _SOME_PAF, axis=0) / len(share) >= options.min_limb_share
        good = ((score > options.min_limb_score) & whole).nonzero()[0]
        start, end = pair.take(good, axis=1)
        found.append((limb.take(good) + block.start, start, end, score.take(good)))
    return Connections(*(found[0] if len(found) == 1 else map(np.concatenate, zip(*found, strict=True))))


@cache
def _list_shares(samples: int) -> NDArray[np.float32]:
    """Of the length of a limb at which its PAF is read, (S,), both ends included."""
    return np.linspace(0, 1, samples, dtype=np.float32)


def _split_limbs(pairs: Indices, most_pairs: int, most_limbs: int) -> list[slice]:
    """The limbs in groups of at most about `most_pairs` pairs; all in one unless there is a crowd.

    Args:
        pairs: (L,) of each limb.
        most_pairs: Of a group.
        most_limbs: Of a group.
    """
    if len(pairs) <= most_limbs and int(pairs.sum()) <= most_pairs:
        return [slice(0, len(pairs))]
    block = np.maximum(np.cumsum(pairs) - 1, 0) // most_pairs * len(pairs) + np.arange(len(pairs)) // most_limbs
    edges = [0, *(np.flatnonzero(np.diff(block)) + 1).tolist(), len(pairs)]
    return [slice(first, after) for first, after in pairwise(edges)]


def _list_pairs(count: Indices, ends: Indices) -> tuple[Indices, Indices]:
    """Every pair of peaks that one of these limbs could join, by limb and start.

    Args:
        count: (K,) peaks of each kind; peaks lie together by kind.
        ends: (L, 2) kinds that each limb joins.

    Returns:
        The limb of each pair, (C,), and its start and end, (2, C).
    """
    first = np.add.accumulate(count) - count
    starts, others = count.take(ends.T)
    pairs = starts * others
    limb = np.arange(len(pairs)).repeat(pairs)
    within = np.arange(len(limb)) - (np.add.accumulate(pairs) - pairs).take(limb)
    pair = first.take(ends.T).take(limb, axis=1)
    pair += np.divmod(within, others.take(limb))
    return limb, pair


def _glance(
    field: NDArray[np.float32], xy: NDArray[np.float32], count: Indices, ends: Indices
) -> tuple[Indices, Indices]:
    """Of `_list_pairs` of a great crowd those that `_choose_near` may keep; the others are not even listed.

    They see some PAF in their middle, and not much less than the best does from the same start or to the same end. As
    matrices of starts and ends, one per limb, pairs need no indices.

    Args:
        field: (2L, h, w), PAFs.
        xy: (2, P) of the peaks, in cells.
        count: (K,) peaks of each kind; peaks lie together by kind.
        ends: (L, 2) kinds that each limb joins.

    Returns:
        The limb of each pair, (C,), and its start and end, (2, C).
    """
    first = np.cumsum(count) - count
    half = xy / 2
    limbs, pairs = [count[:0]], [np.zeros((2, 0), np.intp)]
    for limb, (a, b) in enumerate(ends.tolist()):
        if not (count[a] and count[b]):
            continue
        starts, others = (slice(first[kind], first[kind] + count[kind]) for kind in (a, b))
        here, there = half[:, starts, None], half[:, None, others]
        (middle_x, middle_y), (dx, dy) = here + there, there - here
        seen = _read(field[2 * limb], middle_x, middle_y) * dx
        seen += _read(field[2 * limb + 1], middle_x, middle_y) * dy
        seen /= np.maximum(np.sqrt(dx * dx + dy * dy), _TINY)
        least = np.maximum(_MIN_GREAT_SHARE * seen.max(axis=1, keepdims=True), _MIN_GLANCE)
        near = np.flatnonzero(seen > np.maximum(least, _MIN_GREAT_SHARE * seen.max(axis=0)))
        pairs.append(np.array(np.divmod(near, count[b])) + first[[[a], [b]]])
        limbs.append(np.full(len(near), limb))
    return np.concatenate(limbs), np.concatenate(pairs, axis=1)


class _Lines(NamedTuple):
    """C lines in cells.

    Attributes:
        start: (2, C), x and y.
        way: (2, C), from there to the end.
        length: (C,), above 0.
        top: (C,), how far down the field of its limb begins.
    """

    start: NDArray[np.float32]
    way: NDArray[np.float32]
    length: NDArray[np.float32]
    top: NDArray[np.float32]

    @classmethod
    def join(cls, xy: NDArray[np.float32], limb: Indices, pair: Indices, height: int) -> "_Lines":
        """Between pairs (2, C) of peaks (2, P), in fields of so many rows."""
        ends = xy.take(pair, axis=1)
        start = ends[:, 0]
        way = ends[:, 1] - start
        x, y = way * way
        return cls(start, way, np.maximum(np.sqrt(x + y), _TINY), (limb * (2 * height)).astype(np.float32))

    def take(self, index: Indices) -> "_Lines":
        return _Lines(*(numbers.take(index, axis=-1) for numbers in self))


def _read_along(field: NDArray[np.float32], lines: _Lines, share: NDArray[np.float32]) -> NDArray[np.float32]:
    """The PAF along each line, from 0 to 1, in places given as shares of its length, (S, C).

    Fields are read as they are, as one tall picture: x of all limbs in it, y in the same one from the second field on.
    Beyond the last column OpenCV repeats it; beyond the last row of a field the next one lies, so no place is further
    down than that row.

    Args:
        field: (2L, h, w).
        lines: C lines.
        share: (S,).
    """
    if not len(lines.top):
        return np.zeros((len(share), 0), np.float32)  # OpenCV refuses to read nothing
    if len(lines.top) > _OPENCV_LIMIT:
        parts = np.array_split(np.arange(len(lines.top)), 2)
        return np.concatenate([_read_along(field, lines.take(part), share) for part in parts], axis=1)
    _, height, width = field.shape
    x, y = lines.start[:, None] + lines.way[:, None] * share[:, None]
    np.minimum(y, height - 1, out=y)
    y += lines.top
    picture = field.reshape(-1, width)
    to_right, down = lines.way / lines.length
    along = _read(picture, x, y)
    along *= to_right
    along += _read(picture[height:], x, y) * down
    return np.asarray(np.minimum(np.maximum(along, 0, out=along), 1, out=along))


def _read(field: NDArray[np.float32], x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    """A field (h, w) in places (R, C), interpolated linearly; beyond its border it goes on as it is there."""
    return np.asarray(cv2.remap(field, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def _choose_near(field: NDArray[np.float32], lines: _Lines, limb: Indices, pair: Indices) -> Indices:
    """Which pairs of a crowd are worth a full reading, (C',).

    Pairs that see little in their middle are dropped, and then those that see much less, in three places, than the
    best does from the same start or to the same end.

    Args:
        field: (2L, h, w), PAFs.
        lines: C pairs.
        limb: (C,) of each.
        pair: (2, C) peaks, start and end.
    """
    (middle,) = _read_along(field, lines, _HALF)
    near = np.flatnonzero(middle > _MIN_GLANCE)
    if not len(near):
        return near
    seen = _read_along(field, lines.take(near), _QUARTERS).sum(axis=0) + middle.take(near)
    first = limb * (int(pair.max()) + 1)  # of each limb, so that peaks of different ones differ
    for end in pair:
        group = (first + end).take(near)
        best = np.zeros(int(group.max()) + 1, np.float32)
        np.maximum.at(best, group, seen)
        keep = np.flatnonzero(seen > _MIN_SHARE * best.take(group))
        near, seen = near.take(keep), seen.take(keep)
    return near
