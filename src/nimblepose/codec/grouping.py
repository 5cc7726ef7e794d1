"""Limbs to people: match limbs, assemble people, choose the best."""

import numpy as np
from numpy.typing import NDArray

from nimblepose.codec.limbs import Connections
from nimblepose.codec.mending import find_overlong, find_parts, measure_limbs
from nimblepose.codec.options import DecodeOptions
from nimblepose.codec.peaks import Peaks
from nimblepose.core.people import GroupedPeople
from nimblepose.core.prior import PosePrior
from nimblepose.core.skeleton import Skeleton

_CUTS = 3  # times that poses are taken apart and put together; crowds need more than one
_NOWHERE, _NO_HEIGHT = np.full((1, 2), np.nan, np.float32), np.zeros(1, np.float32)  # of a keypoint not found


def match_limbs(candidates: Connections, peak_count: int) -> Connections:
    """Of each limb, give every peak to the best of the candidates that want it; the best first.

    Greedy by score: a candidate that still finds both of its ends free for its limb wins, and takes them.
    """
    order = (-candidates.score).argsort(kind="stable")
    slot = candidates.limb.take(order) * peak_count  # of a limb and a peak
    starts, ends = slot + candidates.start.take(order), slot + candidates.end.take(order)
    slots = (int(slot.max(initial=0)) // max(peak_count, 1) + 1) * peak_count
    started, ended = bytearray(slots), bytearray(slots)
    won = []
    for candidate, start, end in zip(order.tolist(), starts.tolist(), ends.tolist(), strict=True):
        if not (started[start] or ended[end]):
            started[start] = ended[end] = 1
            won.append(candidate)
    return candidates[np.array(won, np.intp)]


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
    poses, kinds = 0, peaks.kind.tolist()
    pose_of, poses = connect(connections.start, connections.end, kinds)
    inner, pose = _find_inner(connections.start, connections.end, pose_of)
    if prior:
        size = measure_limbs(connections, peaks, skeleton, prior)
        if np.logical_or.reduce(find_overlong(size.take(inner), pose)):
            pose_of, poses, connections = _cut_overlong(connections, size, pose_of, poses, kinds)
            inner, pose = _find_inner(connections.start, connections.end, pose_of)
    limbs = np.bincount(pose, minlength=poses)
    total = np.bincount(pose, connections.score.take(inner), minlength=poses)
    members = (pose_of >= 0).nonzero()[0]
    peak = np.empty((poses, len(skeleton.keypoints)), np.intp)  # of each pose and kind
    peak.fill(-1)  # none
    peak[pose_of.take(members), peaks.kind.take(members)] = members
    there = limbs.nonzero()[0]
    peak, limbs, total = peak.take(there, axis=0), limbs.take(there), total.take(there)
    places = np.concatenate([peaks.xy, _NOWHERE])
    if prior and len(there) > 1:
        first = find_parts(places.take(peak, axis=0), skeleton, prior)
        later = np.flatnonzero(first != np.arange(len(there)))
        if len(later):
            np.maximum.at(peak, first[later], peak[later])
            np.add.at(total, first[later], total[later])
            np.add.at(limbs, first[later], limbs[later])
            peak[later] = -1

    count = np.add.reduce(peak >= 0, axis=1)
    score = np.sqrt(total.astype(np.float32) / np.sqrt(limbs.astype(np.float32) * len(skeleton.limbs)))
    best = (-score).argsort(kind="stable")
    best = best[count.take(best) >= options.count_needed(len(skeleton.keypoints))]
    peak = peak.take(best, axis=0)
    heights = np.concatenate([np.minimum(np.maximum(peaks.score, 0), 1), _NO_HEIGHT])
    return GroupedPeople(places.take(peak, axis=0), heights.take(peak), score.take(best))


def connect(start: NDArray[np.intp], end: NDArray[np.intp], kinds: list[int]) -> tuple[NDArray[np.intp], int]:
    """Which pose each peak belongs to; two poses that turn out to be one person are merged.

    A connection starts a pose, adds a keypoint to one, or merges two that have no kind of keypoint in common; one that
    would give a pose a second keypoint of a kind is left out: its ends are of two poses, or of none, in the end.

    Args:
        start: (C,) peaks that connections come from, best first.
        end: (C,) peaks that they lead to.
        kinds: Of each of P peaks.

    Returns:
        The pose of each peak, (P,), -1 where none, and how many poses were started; some were merged into others.
    """
    pose_of = [-1] * len(kinds)
    has: list[int] = []  # bit k: the pose has keypoint k
    members: list[list[int]] = []
    for a, b in zip(start.tolist(), end.tolist(), strict=True):
        one, other = pose_of[a], pose_of[b]
        if one < 0 and other < 0:
            pose_of[a] = pose_of[b] = len(has)
            has.append(1 << kinds[a] | 1 << kinds[b])
            members.append([a, b])
        elif one < 0 or other < 0:
            pose, new = (one, b) if other < 0 else (other, a)
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
    return np.array(pose_of, np.intp), len(has)


def _find_inner(
    start: NDArray[np.intp], end: NDArray[np.intp], pose_of: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Which connections join two peaks of one pose, (I,), and which pose, (I,); the others were refused."""
    pose = pose_of.take(start)
    inner = (pose == pose_of.take(end)).nonzero()[0]
    return inner, pose.take(inner)


def _cut_overlong(
    connections: Connections, size: NDArray[np.floating], pose_of: NDArray[np.intp], poses: int, kinds: list[int]
) -> tuple[NDArray[np.intp], int, Connections]:
    """The poses without limbs that are too long for them: which each peak belongs to, how many, and what is left.

    Only those that lose a limb are taken apart, with those that a connection was refused to or from: with fewer
    keypoints it may be taken.

    Args:
        connections: Sorted, best first.
        size: (C,) that each speaks for, from `measure_limbs`.
        pose_of: (P,) pose of each peak.
        poses: How many there are.
        kinds: Of each peak.
    """
    start, end = connections.start, connections.end
    left, cut = np.arange(len(connections)), np.zeros(len(connections), bool)
    for _ in range(_CUTS):
        inner, pose = _find_inner(start.take(left), end.take(left), pose_of)
        overlong = find_overlong(size.take(left.take(inner)), pose)
        if not overlong.any():
            break
        cut[left.take(inner[overlong])] = True
        again = _find_linked(pose_of, poses, pose[overlong], start, end)
        left = np.flatnonzero(again.take(start) & ~cut)
        new, count = connect(start.take(left), end.take(left), kinds)
        pose_of = np.where(again, np.where(new < 0, -1, new + poses), pose_of)
        poses += count
    return pose_of, poses, connections[~cut] if cut.any() else connections


def _find_linked(
    pose_of: NDArray[np.intp], poses: int, chosen: NDArray[np.intp], start: NDArray[np.intp], end: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Which peaks are of chosen poses, or of those that connections lead to from there, however many, (P,)."""
    linked = np.zeros(poses + len(pose_of), bool)  # poses, then peaks without one
    linked[chosen] = True
    label = np.where(pose_of < 0, poses + np.arange(len(pose_of)), pose_of)
    one, other = label.take(start), label.take(end)
    refused = np.flatnonzero(one != other)
    one, other = one.take(refused), other.take(refused)
    while len(spread := np.flatnonzero(linked[one] != linked[other])):
        linked[one[spread]] = linked[other[spread]] = True
    return np.asarray(linked.take(label))


def choose(scores: NDArray[np.float32], options: DecodeOptions) -> NDArray[np.intp]:
    """Indices of the poses that are kept, best first.

    Args:
        scores: (N,) of all poses.
        options: `min_pose_score`, `max_poses` are used.
    """
    order = (-scores).argsort(kind="stable")
    return order[scores.take(order) >= options.least_score][: options.max_poses or None]
