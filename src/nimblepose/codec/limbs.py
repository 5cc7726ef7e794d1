"""Peaks and PAFs to limbs: score every pair of peaks that a limb could join."""

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

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
    longest = options.long_limb * max(height, width)
    pafs = np.ascontiguousarray(pafs, np.float32)
    last = np.array([width - 1, height - 1], np.float32)
    x, y = np.minimum(np.maximum(peaks.xy, 0), last).T + np.float32(paf_offset)

    found: list[tuple[Indices, Indices, Indices, NDArray[np.float32]]] = []
    count = np.bincount(peaks.kind, minlength=len(skeleton.keypoints))
    pairs = count[skeleton.limb_indices].prod(axis=1)
    great = options.prune_crowds and int(pairs.sum()) > _GREAT_CROWD
    for block in _split_limbs(pairs, _GREAT_BLOCK if great else _BLOCK, _OPENCV_LIMIT // (2 * height)):
        field = pafs[2 * block.start : 2 * block.stop]
        ends = skeleton.limb_indices[block]
        rows = _glance(field, x, y, count, ends) if great else _list_pairs(count, ends)
        limb, start, per_row, end = rows
        row = np.repeat(np.arange(len(limb)), per_row)
        start_of_pair = start.take(row)
        x_start, y_start = x.take(start_of_pair), y.take(start_of_pair)
        top = (limb * (2 * height)).astype(np.float32).take(row)
        lines = _Lines(x_start, y_start, x.take(end) - x_start, y.take(end) - y_start, top)
        if options.prune_crowds and len(end) > _CROWD:
            near = _choose_near(field, lines, row, limb, end)
            row, end, lines = row.take(near), end.take(near), lines.take(near)
        along = _read_along(field, lines, np.linspace(0, 1, options.limb_samples))
        limb, start = limb.take(row), start.take(row)
        length = np.sqrt(lines.dx * lines.dx + lines.dy * lines.dy)
        paf = along.sum(axis=0) / len(along) + np.minimum(longest / np.maximum(length, _TINY) - 1, 0)
        score = paf * np.minimum(peaks.score.take(start), peaks.score.take(end))
        whole = (along > _SOME_PAF).sum(axis=0) / len(along) >= options.min_limb_share
        good = np.flatnonzero((score > options.min_limb_score) & whole)
        found.append((limb.take(good) + block.start, start.take(good), end.take(good), score.take(good)))
    return Connections(*(found[0] if len(found) == 1 else map(np.concatenate, zip(*found, strict=True))))


def _split_limbs(pairs: Indices, most_pairs: int, most_limbs: int) -> list[slice]:
    """The limbs in groups of at most about `most_pairs` pairs; all in one unless there is a crowd.

    Args:
        pairs: (L,) of each limb.
        most_pairs: Of a group.
        most_limbs: Of a group.
    """
    if len(pairs) <= most_limbs and pairs.sum() <= most_pairs:
        return [slice(0, len(pairs))]
    block = np.maximum(np.cumsum(pairs) - 1, 0) // most_pairs * len(pairs) + np.arange(len(pairs)) // most_limbs
    edges = [0, *(np.flatnonzero(np.diff(block)) + 1).tolist(), len(pairs)]
    return [slice(first, after) for first, after in pairwise(edges)]


def _list_pairs(count: Indices, ends: Indices) -> tuple[Indices, Indices, Indices, Indices]:
    """Every pair of peaks that one of these limbs could join, as rows: one start of one limb, with all possible ends.

    Args:
        count: (K,) peaks of each kind; peaks lie together by kind.
        ends: (L, 2) kinds that each limb joins.

    Returns:
        limb, start and number of ends of each row, (R,), and the ends of all rows behind each other, (C,).
    """
    first = np.cumsum(count) - count
    a, b = ends.T
    starts = count[a]
    which = np.repeat(np.arange(len(a)), starts)
    start = np.arange(len(which)) - (np.cumsum(starts) - starts - first[a])[which]
    per_row = count[b][which]
    before = np.cumsum(per_row) - per_row
    end = np.arange(per_row.sum()) - np.repeat(before - first[b][which], per_row)
    return which, start, per_row, end


def _glance(
    field: NDArray[np.float32], x: NDArray[np.float32], y: NDArray[np.float32], count: Indices, ends: Indices
) -> tuple[Indices, Indices, Indices, Indices]:
    """Of the rows of a great crowd the pairs that `_choose_near` may keep; the others are not even listed.

    They see some PAF in their middle, and not much less than the best does from the same start or to the same end. As
    matrices of starts and ends, one per limb, pairs need no indices.

    Args:
        field: (2L, h, w), PAFs.
        x: (P,) of the peaks, in cells.
        y: (P,) of the peaks, in cells.
        count: (K,) peaks of each kind; peaks lie together by kind.
        ends: (L, 2) kinds that each limb joins.

    Returns:
        limb, start and number of ends of each row, (R,), and the ends of all rows behind each other, (C,).
    """
    first = np.cumsum(count) - count
    half, every = np.stack([x, y]) / 2, np.arange(len(x))
    found = [(count[:0],) * 4]
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
        row = near // count[b]
        per_row = np.bincount(row, minlength=count[a])
        found.append((np.full(count[a], limb), every[starts], per_row, near - row * count[b] + first[b]))
    limb_of_row, start, ends_of_row, end = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return limb_of_row, start, ends_of_row, end


class _Lines(NamedTuple):
    """C lines, each (C,), in cells: where it begins, where it leads, and how far down the field of its limb begins."""

    x: NDArray[np.float32]
    y: NDArray[np.float32]
    dx: NDArray[np.float32]
    dy: NDArray[np.float32]
    top: NDArray[np.float32]

    def take(self, index: NDArray[np.intp]) -> "_Lines":
        return _Lines(*(numbers.take(index) for numbers in self))


def _read_along(field: NDArray[np.float32], lines: _Lines, shares: ArrayLike) -> NDArray[np.float32]:
    """The PAF along each line, from 0 to 1, in places given as shares of its length, (S, C).

    Fields are read as they are, as one tall picture. Beyond the last column OpenCV repeats it; beyond the last row of
    a field the next one lies, so no place is further down than that row.

    Args:
        field: (2L, h, w).
        lines: C lines.
        shares: S of them.
    """
    share = np.asarray(shares, np.float32)[:, None]
    if not len(lines.x):
        return np.zeros((len(share), 0), np.float32)  # OpenCV refuses to read nothing
    if len(lines.x) > _OPENCV_LIMIT:
        parts = np.array_split(np.arange(len(lines.x)), 2)
        return np.concatenate([_read_along(field, lines.take(part), shares) for part in parts], axis=1)
    count, height, width = field.shape
    x = np.empty((2, len(share), len(lines.x)), np.float32)
    y = np.empty_like(x)
    np.add(lines.x, lines.dx * share, out=x[0])
    np.add(np.minimum(lines.y + lines.dy * share, height - 1), lines.top, out=y[0])
    x[1], y[1] = x[0], y[0] + height
    picture, places = field.reshape(count * height, width), (2 * len(share), len(lines.x))
    read = _read(picture, x.reshape(places), y.reshape(places))
    length = np.maximum(np.sqrt(lines.dx * lines.dx + lines.dy * lines.dy), _TINY)
    along = read[: len(share)] * (lines.dx / length)
    along += read[len(share) :] * (lines.dy / length)
    return np.asarray(np.minimum(np.maximum(along, 0, out=along), 1, out=along))


def _read(field: NDArray[np.float32], x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    """A field (h, w) in places (R, C), interpolated linearly; beyond its border it goes on as it is there."""
    return np.asarray(cv2.remap(field, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def _choose_near(field: NDArray[np.float32], lines: _Lines, row: Indices, limb: Indices, end: Indices) -> Indices:
    """Which pairs of a crowd are worth a full reading, (C',).

    Pairs that see little in their middle are dropped, and then those that see much less, in three places, than the
    best does from the same start or to the same end.

    Args:
        field: (2L, h, w), PAFs.
        lines: C pairs.
        row: (C,) limb and start of each pair.
        limb: (R,) limb of each row.
        end: (C,) peak.
    """
    (middle,) = _read_along(field, lines, [0.5])
    near = np.flatnonzero(middle > _MIN_GLANCE)
    if not len(near):
        return near
    seen = _read_along(field, lines.take(near), [0.25, 0.75]).sum(axis=0) + middle.take(near)
    rows = row.take(near)
    best = np.zeros(len(limb), np.float32)
    np.maximum.at(best, rows, seen)
    keep = np.flatnonzero(seen > _MIN_SHARE * best.take(rows))
    near, seen = near.take(keep), seen.take(keep)
    group = end.take(near) + limb.take(row.take(near)) * (int(end.max()) + 1)
    best = np.zeros(int(group.max()) + 1, np.float32)
    np.maximum.at(best, group, seen)
    return near.take(np.flatnonzero(seen > _MIN_SHARE * best.take(group)))
