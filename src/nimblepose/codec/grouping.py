"""Limbs to people: match them, assemble poses."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nimblepose.codec.limbs import Connections
from nimblepose.codec.options import DecodeOptions
from nimblepose.codec.peaks import Peaks
from nimblepose.core.skeleton import Skeleton


@dataclass(frozen=True, eq=False)
class Assembly:
    """N people as peaks.

    Attributes:
        members: (N, K) peak of each keypoint, -1 where there is none.
        score: (N,) float32 in [0, 1], of their limbs.
    """

    members: NDArray[np.intp]
    score: NDArray[np.float32]


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
    would give a pose a second keypoint of a kind is left out. A pose scores the root of the sum of its limbs'
    scores over sqrt(limbs it has * limbs the skeleton has): surer limbs count, and more of them. The root, because a
    limb's score is a product of two, PAF and peak; it puts poses on the scale of peaks and, about, of OKS.

    Args:
        connections: Sorted, best first, as from `match_limbs`.
        peaks: What the connections join.
        skeleton: Names the K keypoints and L limbs. Any limb may start a pose: because the surest go first, limbs that
            close a loop need no rule of their own (forbidding them to start one cost 0.6 AP).
        options: `min_keypoints` is used.
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

    least = options.count_needed(len(skeleton.keypoints))
    kept = [i for i, member in enumerate(members) if len(member) >= least]
    score = np.array([total[i] for i in kept], np.float32)
    score = np.sqrt(score / np.sqrt(np.array([limbs[i] for i in kept], np.float32) * len(skeleton.limbs)))
    best = np.argsort(-score, kind="stable").tolist()
    table = np.full((len(best), len(skeleton.keypoints)), -1, np.intp)
    sizes = [len(members[kept[i]]) for i in best]
    flat = [member for i in best for member in members[kept[i]]]
    table[np.repeat(np.arange(len(best)), sizes), peaks.kind[flat]] = flat
    return Assembly(table, score[best])


def choose(scores: NDArray[np.float32], options: DecodeOptions) -> NDArray[np.intp]:
    """Indices of the poses that are kept, best first.

    Args:
        scores: (N,) of all poses.
        options: `min_pose_score`, `max_poses` are used.
    """
    order = np.argsort(-scores, kind="stable")
    return order[scores[order] >= options.min_pose_score][: options.max_poses or None]
