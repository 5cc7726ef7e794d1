"""Which frames are worth labelling: those that the model is weak in or jumps in, unlike each other, apart in time."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from nimblepose.core.poses import Poses
from nimblepose.results.reading import ReadResult

_LEAST = 0.05  # worth of a frame in which all is well: it may still be unlike all others
_EMPTY = 0.25  # of the groups at most, for frames in which nobody was found: often nobody is there
_SEEDS = 1 << 31  # that OpenCV takes
_PLACE = 0.5  # what a move by a subject's length counts beside a change of its pose


@dataclass(frozen=True, eq=False)
class Frames:
    """F frames, and what was found in them.

    Attributes:
        results: As they were read, of those who have a keypoint.
        times: (F,) seconds; of pictures their number.
        weakness: (F,) 1 where nobody was found, 0 where every keypoint was, surely.
        jumps: (F,) how far a keypoint moved in a frame, since the frame before and since the one before that, whichever
            says less; in sizes of its subject; 0 where nobody knows.
        shapes: (F, D) pose and place of the surest subject, in its sizes; NaN where nobody was found.
    """

    results: tuple[ReadResult, ...]
    times: NDArray[np.float64]
    weakness: NDArray[np.float64]
    jumps: NDArray[np.float64]
    shapes: NDArray[np.float64]


def describe_frames(results: Iterable[ReadResult], *, in_time: bool = True) -> Frames:
    """Look through results.

    Args:
        results: Of frames or pictures, in their order; whoever has no keypoint is left out.
        in_time: They are frames of one video; pictures do not move.
    """
    found = tuple(dataclasses.replace(one, poses=one.poses[one.poses.found.any(axis=1)]) for one in results)
    usual = max(1, round(float(np.median([len(result.poses) for result in found])))) if found else 1
    jumps = np.zeros(len(found))
    if in_time:
        for i in range(1, len(found)):
            moved = [measure_jump(found[i - ago].poses, found[i].poses) / ago for ago in (1, 2) if ago <= i]
            jumps[i] = min(moved)  # what jumped and comes back did so once
    shapes = [describe_shape(result.poses) for result in found]
    return Frames(
        results=found,
        times=np.array([result.time for result in found] if in_time else range(len(found)), np.float64),
        weakness=np.array([measure_weakness(result.poses, usual) for result in found], np.float64),
        jumps=jumps,
        shapes=np.array(shapes, np.float64) if found else np.zeros((0, 0)),
    )


def measure_weakness(poses: Poses, usual: int) -> float:
    """1 minus the mean score of keypoints, of as many subjects as there usually are; who is missing has none."""
    sums = np.sort(np.nan_to_num(poses.keypoint_scores).mean(axis=1))[::-1][:usual]
    return 1.0 - float(sums.sum()) / usual


def measure_jump(before: Poses, after: Poses) -> float:
    """How far the keypoint that moved most did, in sizes of its subject, who is told by identity, else by place."""
    furthest = 0.0
    for i in range(len(after)):
        j = _find_same(before, after, i)
        moved = (
            np.linalg.norm(after.keypoints[i] - before.keypoints[j], axis=-1) if j is not None else np.array([np.nan])
        )
        if not np.isnan(moved).all():
            furthest = max(furthest, float(np.nanmax(moved)) / _measure_size(after.keypoints[i]))
    return furthest


def _find_same(before: Poses, after: Poses, i: int) -> int | None:
    if not len(before):
        return None
    if before.track_ids is not None and after.track_ids is not None:
        same = np.flatnonzero(before.track_ids == after.track_ids[i])
        return int(same[0]) if len(same) else None
    middles = np.nanmean(before.keypoints, axis=1)
    return int(np.linalg.norm(middles - np.nanmean(after.keypoints[i], axis=0), axis=-1).argmin())


def describe_shape(poses: Poses) -> NDArray[np.float64]:
    """(2K + 2,) the surest subject: places of its keypoints about its middle, and its middle, in its sizes; or NaN."""
    keypoints = len(poses.skeleton.keypoints)
    if not len(poses):
        return np.full(2 * keypoints + 2, np.nan)
    xy = poses.keypoints[int(poses.scores.argmax())].astype(np.float64)
    middle, size = np.nanmean(xy, axis=0), _measure_size(xy)
    about = np.nan_to_num((xy - middle) / size).ravel() / np.sqrt(keypoints)
    return np.concatenate([about, _PLACE * middle / size])


def _measure_size(xy: NDArray[np.floating]) -> float:
    return max(1.0, float((np.nanmax(xy, axis=0) - np.nanmin(xy, axis=0)).max()))


def pick_frames(frames: Frames, count: int, *, seed: int = 0) -> list[int]:
    """Indices of frames to label, in their order: frames are put into groups of alike ones, and each gives its worst.

    Taking the worst of all instead would leave out what a film mostly shows, which is what errors are measured on.

    Args:
        frames: To choose from.
        count: How many; fewer where there are fewer.
        seed: Of the groups.
    """
    total = len(frames.results)
    if total <= count:
        return list(range(total))
    groups = _group_alike(frames.shapes, count, seed)
    worth = np.maximum(_LEAST, np.maximum(_rank(frames.weakness), _rank(frames.jumps)))
    apart = (frames.times[-1] - frames.times[0]) / (2 * count)
    gap = np.ones(total)
    chosen: list[int] = []
    best = np.zeros(count)
    np.maximum.at(best, groups, worth)
    for group in np.argsort(-best, kind="stable").tolist():
        members = groups == group
        if not members.any():  # fewer kinds of frames than groups
            members[:] = True
        members[chosen] = False
        chosen.append(int(np.where(members, worth * gap, -1.0).argmax()))
        gap = np.minimum(gap, np.minimum(1.0, np.abs(frames.times - frames.times[chosen[-1]]) / max(apart, 1e-9)))
    return sorted(chosen)


def _group_alike(shapes: NDArray[np.float64], count: int, seed: int) -> NDArray[np.intp]:
    """(F,) the group, of `count`, that each frame is in: by k-means, or in turn of time where nobody was found."""
    nobody = np.isnan(shapes[:, 0])
    lost = int(nobody.sum())
    if lost in (0, len(shapes)):
        empty = count if lost else 0
    else:
        empty = min(count - 1, max(1, round(count * min(lost / len(shapes), _EMPTY))))
    groups = np.empty(len(shapes), np.intp)
    groups[nobody] = np.arange(lost) * empty // max(1, lost)
    there = shapes[~nobody].astype(np.float32)
    if len(there) <= count - empty:
        groups[~nobody] = empty + np.arange(len(there))
    else:
        cv2.setRNGSeed(seed % _SEEDS)
        stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 50, 1e-4)
        _, labels, _ = cv2.kmeans(there, count - empty, np.empty(0, np.int32), stop, 5, cv2.KMEANS_PP_CENTERS)
        groups[~nobody] = empty + labels[:, 0]
    return groups


def _rank(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(F,) share of the others that are smaller, in [0, 1]."""
    return np.searchsorted(np.sort(values), values) / max(1, len(values) - 1)
