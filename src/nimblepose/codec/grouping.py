"""Peaks and PAFs to people: score limbs, match them, assemble poses."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nimblepose.codec.options import DecodeOptions
from nimblepose.codec.peaks import Peaks
from nimblepose.core.skeleton import Skeleton

_GLANCES = np.array([0.25, 0.5, 0.75], np.float32)  # where a pair is looked at before it is worth a full reading
_MIN_GLANCE = 0.02  # mean PAF there


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


@dataclass(frozen=True, eq=False)
class Assembly:
    """N people as peaks.

    Attributes:
        members: (N, K) peak of each keypoint, -1 where there is none.
        score: (N,) float32 in [0, 1].
    """

    members: NDArray[np.intp]
    score: NDArray[np.float32]


def _pairs(kind: NDArray[np.intp], skeleton: Skeleton) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Every pair of peaks that some limb could join: limb, start, end, each (C,)."""
    count = np.bincount(kind, minlength=len(skeleton.keypoints))
    first = np.cumsum(count) - count
    a, b = skeleton.limb_indices.T
    pairs = count[a] * count[b]
    limb = np.repeat(np.arange(len(a)), pairs)
    within = np.arange(len(limb)) - np.repeat(np.cumsum(pairs) - pairs, pairs)
    row, column = np.divmod(within, np.repeat(count[b], pairs))
    return limb, np.repeat(first[a], pairs) + row, np.repeat(first[b], pairs) + column


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
    times the score of its weaker end: a limb is no surer than either of its keypoints.

    Args:
        peaks: In cells.
        pafs: (2L, h, w), limb l owns channels 2l (x) and 2l + 1 (y).
        skeleton: Names the L limbs.
        options: `limb_samples`, `min_limb_score` are used.
        paf_offset: Cells to the lower right at which the value of a place is read.
    """
    limb, start, end = _pairs(peaks.kind, skeleton)
    _, height, width = pafs.shape
    field = np.empty((len(skeleton.limbs), height, width), np.complex64)  # one gather reads x and y
    field.real, field.imag = pafs[0::2], pafs[1::2]
    place = (peaks.xy[:, 0] + 1j * peaks.xy[:, 1]).astype(np.complex64)
    step = place[end] - place[start]
    direction = step.conj() / np.maximum(np.abs(step), np.float32(1e-6))

    # A glance at three cells each drops nearly all pairs of a crowd before the costly reading.
    seen = np.zeros(len(limb), np.float32)
    for share in _GLANCES:
        at = place[start] + step * share + np.complex64(complex(paf_offset, paf_offset))
        x = np.clip((at.real + np.float32(0.5)).astype(np.int32), 0, width - 1)
        y = np.clip((at.imag + np.float32(0.5)).astype(np.int32), 0, height - 1)
        seen += np.maximum((field[limb, y, x] * direction).real, 0)
    near = np.flatnonzero(seen > _MIN_GLANCE * len(_GLANCES))
    limb, start, end, step, direction = limb[near], start[near], end[near], step[near], direction[near]

    along = np.clip(
        (_read(field, limb, place[start], step, options.limb_samples, paf_offset) * direction).real, 0, 1
    )  # (S, C)
    score = along.mean(axis=0) * np.minimum(peaks.score[start], peaks.score[end])
    return Connections(limb, start, end, score)[score > options.min_limb_score]


def _read(
    field: NDArray[np.complex64],
    limb: NDArray[np.intp],
    start: NDArray[np.complex64],
    step: NDArray[np.complex64],
    samples: int,
    paf_offset: float,
) -> NDArray[np.complex64]:
    """Field values by bilinear interpolation at evenly spaced points along each segment, (S, C)."""
    _, height, width = field.shape
    share = np.linspace(0, 1, samples, dtype=np.float32)[:, None]
    at = start + step * share + np.complex64(complex(paf_offset, paf_offset))
    x, y = np.clip(at.real, 0, width - 1), np.clip(at.imag, 0, height - 1)
    column, row = np.minimum(x.astype(np.intp), max(width - 2, 0)), np.minimum(y.astype(np.intp), max(height - 2, 0))
    x, y = x - column.astype(np.float32), y - row.astype(np.float32)
    flat = field.reshape(-1)
    corner = (limb * height + row) * width + column
    right, below = min(1, width - 1), width * min(1, height - 1)
    top = flat[corner] * (1 - x) + flat[corner + right] * x
    bottom = flat[corner + below] * (1 - x) + flat[corner + below + right] * x
    return np.asarray(top * (1 - y) + bottom * y, np.complex64)


def match_limbs(candidates: Connections, peak_count: int) -> Connections:
    """Of each limb, give every peak to the best of the candidates that want it; the best first.

    Greedy by score, all limbs at once: a candidate that is the best for both of its ends wins, those that lose an end
    to it are out, and so on until none is left. The result is that of going through a sorted list.
    """
    order = np.argsort(-candidates.score, kind="stable")
    limb = candidates.limb[order]
    start, end = limb * peak_count + candidates.start[order], limb * peak_count + candidates.end[order]
    slots = (int(limb.max(initial=-1)) + 1) * peak_count
    best_start, best_end = np.empty(slots, np.intp), np.empty(slots, np.intp)
    taken_start, taken_end = np.zeros(slots, bool), np.zeros(slots, bool)
    left = np.arange(len(order))
    won = [left[:0]]
    while len(left):
        s, e = start[left], end[left]
        best_start[s[::-1]] = left[::-1]  # the last to write is the best
        best_end[e[::-1]] = left[::-1]
        wins = (best_start[s] == left) & (best_end[e] == left)
        won.append(left[wins])
        taken_start[s[wins]] = taken_end[e[wins]] = True
        left = left[~(taken_start[s] | taken_end[e])]
    return candidates[order[np.sort(np.concatenate(won))]]


def assemble(connections: Connections, peaks: Peaks, skeleton: Skeleton, options: DecodeOptions) -> Assembly:
    """Join connections to people, best first; two poses that turn out to be one person are merged.

    A connection starts a pose, adds a keypoint to one, or merges two that have no kind of keypoint in common; one that
    would give a pose a second keypoint of a kind is left out. A pose scores the sum of its limbs' scores over
    sqrt(limbs it has * limbs the skeleton has): surer limbs count, and more of them.

    Args:
        connections: Sorted, best first, as from `match_limbs`.
        peaks: What the connections join.
        skeleton: Names the K keypoints and L limbs. Any limb may start a pose: because the surest go first, limbs that
            close a loop need no rule of their own (forbidding them to start one cost 0.6 AP).
        options: `min_keypoints`, `min_pose_score`, `max_poses` are used.
    """
    kinds = peaks.kind.tolist()
    pose_of = [-1] * len(kinds)
    has: list[int] = []  # bit k: the pose has keypoint k
    members: list[list[int]] = []
    total: list[float] = []
    limbs: list[int] = []
    rows = zip(connections.start.tolist(), connections.end.tolist(), connections.score.tolist(), strict=True)
    for start, end, score in rows:
        one, other = pose_of[start], pose_of[end]
        if one < 0 and other < 0:
            pose_of[start] = pose_of[end] = len(has)
            has.append(1 << kinds[start] | 1 << kinds[end])
            members.append([start, end])
            total.append(score)
            limbs.append(1)
            continue
        if one < 0 or other < 0:
            pose, new = (one, end) if other < 0 else (other, start)
            if has[pose] >> kinds[new] & 1:
                continue
            has[pose] |= 1 << kinds[new]
            members[pose].append(new)
            pose_of[new] = pose
        elif one != other:
            if has[one] & has[other]:
                continue
            pose = one
            for member in members[other]:
                pose_of[member] = one
            members[one] += members[other]
            has[one] |= has[other]
            total[one] += total[other]
            limbs[one] += limbs[other]
            members[other] = []
        else:
            pose = one
        total[pose] += score
        limbs[pose] += 1

    kept = [i for i, member in enumerate(members) if len(member) >= options.min_keypoints]
    score = np.array([total[i] for i in kept], np.float32)
    score /= np.sqrt(np.array([limbs[i] for i in kept], np.float32) * len(skeleton.limbs))
    best = [i for i in np.argsort(-score, kind="stable").tolist() if score[i] >= options.min_pose_score]
    best = best[: options.max_poses or None]
    table = np.full((len(best), len(skeleton.keypoints)), -1, np.intp)
    sizes = [len(members[kept[i]]) for i in best]
    flat = [member for i in best for member in members[kept[i]]]
    table[np.repeat(np.arange(len(best)), sizes), peaks.kind[flat]] = flat
    return Assembly(table, score[best])
