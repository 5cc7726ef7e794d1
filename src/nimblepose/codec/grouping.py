"""Limbs to people: match limbs, assemble people, choose the best."""

import numpy as np
from numpy.typing import NDArray

from nimblepose.codec.limbs import Connections
from nimblepose.codec.mending import find_overlong, find_parts, may_have_parts
from nimblepose.codec.options import DecodeOptions
from nimblepose.codec.peaks import Peaks
from nimblepose.core.people import GroupedPeople
from nimblepose.core.prior import PosePrior
from nimblepose.core.skeleton import Skeleton

_CUTS = 3  # times that poses are taken apart and put together; crowds need more than one


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


def assemble(
    connections: Connections, peaks: Peaks, skeleton: Skeleton, options: DecodeOptions, prior: PosePrior | None = None
) -> GroupedPeople:
    """Join connections to people, best first.

    A pose scores the root of the sum of its limbs' scores over sqrt(limbs it has * limbs the skeleton has): surer limbs
    count, and more of them. The root, because a limb's score is a product of two, PAF and peak; it puts poses on the
    scale of peaks and, about, of OKS.

    Args:
        connections: Sorted, best first, as from `match_limbs`.
        peaks: What the connections join.
        skeleton: Names the K keypoints and L limbs. Any limb may start a pose: because the surest go first, limbs that
            close a loop need no rule of their own (forbidding them to start one cost 0.6 AP).
        options: `min_keypoints` is used.
        prior: With it limbs too long for the rest of their pose are cut, and parts of one person that no limb can join
            are joined; see `nimblepose.codec.mending`.
    """
    pose_of, kinds = connect(connections, peaks)
    if prior:
        for _ in range(_CUTS):
            overlong = find_overlong(connections, pose_of, peaks, prior)
            if not overlong.any():
                break
            connections = connections[~overlong]
            pose_of, kinds = connect(connections, peaks)
        if may_have_parts(kinds, skeleton):
            members = np.flatnonzero(pose_of >= 0)
            xy = np.full((len(kinds), len(skeleton.keypoints), 2), np.nan, np.float32)
            xy[pose_of[members], peaks.kind[members]] = peaks.xy[members]
            pose_of[members] = find_parts(xy, skeleton, prior)[pose_of[members]]

    pose = pose_of[connections.start]
    inner = np.flatnonzero(pose == pose_of[connections.end])
    poses = len(kinds)
    total = np.bincount(pose[inner], connections.score[inner], minlength=poses).astype(np.float32)
    limbs = np.bincount(pose[inner], minlength=poses).astype(np.float32)
    members = np.flatnonzero(pose_of >= 0)
    kept = np.flatnonzero(
        np.bincount(pose_of[members], minlength=poses) >= options.count_needed(len(skeleton.keypoints))
    )
    score = np.sqrt(total[kept] / np.sqrt(limbs[kept] * len(skeleton.limbs)))
    best = np.argsort(-score, kind="stable")
    place = np.full(poses, -1)
    place[kept[best]] = np.arange(len(kept))
    members = members[place[pose_of[members]] >= 0]
    where = place[pose_of[members]], peaks.kind[members]
    keypoints = np.full((len(kept), len(skeleton.keypoints), 2), np.nan, np.float32)
    heights = np.zeros(keypoints.shape[:2], np.float32)
    keypoints[where], heights[where] = peaks.xy[members], np.clip(peaks.score[members], 0, 1)
    return GroupedPeople(keypoints, heights, score[best])


def connect(connections: Connections, peaks: Peaks) -> tuple[NDArray[np.intp], list[int]]:
    """Which pose each peak belongs to; two poses that turn out to be one person are merged.

    A connection starts a pose, adds a keypoint to one, or merges two that have no kind of keypoint in common; one that
    would give a pose a second keypoint of a kind is left out: its ends are of two poses, or of none, in the end.

    Args:
        connections: Sorted, best first.
        peaks: What they join.

    Returns:
        The pose of each peak, (P,), -1 where none, and the keypoints of each pose as bits, 0 of those that were merged
        into others.
    """
    kinds = peaks.kind.tolist()
    pose_of = [-1] * len(kinds)
    has: list[int] = []  # bit k: the pose has keypoint k
    members: list[list[int]] = []
    for start, end in zip(connections.start.tolist(), connections.end.tolist(), strict=True):
        one, other = pose_of[start], pose_of[end]
        if one < 0 and other < 0:
            pose_of[start] = pose_of[end] = len(has)
            has.append(1 << kinds[start] | 1 << kinds[end])
            members.append([start, end])
        elif one < 0 or other < 0:
            pose, new = (one, end) if other < 0 else (other, start)
            if not has[pose] >> kinds[new] & 1:
                has[pose] |= 1 << kinds[new]
                members[pose].append(new)
                pose_of[new] = pose
        elif one != other and not has[one] & has[other]:
            for member in members[other]:
                pose_of[member] = one
            members[one] += members[other]
            has[one] |= has[other]
            members[other], has[other] = [], 0
    return np.array(pose_of, np.intp), has


def choose(scores: NDArray[np.float32], options: DecodeOptions) -> NDArray[np.intp]:
    """Indices of the poses that are kept, best first.

    Args:
        scores: (N,) of all poses.
        options: `min_pose_score`, `max_poses` are used.
    """
    order = np.argsort(-scores, kind="stable")
    return order[scores[order] >= options.min_pose_score][: options.max_poses or None]
