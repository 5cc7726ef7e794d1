"""Which frames are worth labelling: those that the model is weak in or jumps in, unlike each other, apart in time."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.poses import Poses
from nimblepose.results.reading import ReadResult

_LEAST = 0.05  # worth of a frame in which all is well: it may still be unlike all others
_ALIKE = 0.3  # of the usual difference, between two frames in which nobody was found
_PLACE = 0.5  # what a move by a subject's length counts beside a change of its pose


@dataclass(frozen=True, eq=False)
class Frames:
    """F frames, and what was found in them.

    Attributes:
        results: As they were read.
        times: (F,) seconds; of pictures their number.
        weakness: (F,) 1 where nobody was found, 0 where every keypoint was, surely.
        jumps: (F,) how far a keypoint moved since the frame before, in sizes of its subject; 0 where nobody knows.
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
        results: Of frames or pictures, in their order.
        in_time: They are frames of one video; pictures do not move.
    """
    found = tuple(results)
    usual = max(1, round(float(np.median([len(result.poses) for result in found])))) if found else 1
    jumps = np.zeros(len(found))
    if in_time:
        for i in range(1, len(found)):
            jumps[i] = measure_jump(found[i - 1].poses, found[i].poses)
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
    """Indices of frames to label, in their order: each next one is the worst of those unlike the ones before.

    Args:
        frames: To choose from.
        count: How many; fewer where there are fewer.
        seed: Of the pairs by which the usual difference is told.
    """
    total = len(frames.results)
    if total <= count:
        return list(range(total))
    worth = np.maximum(_LEAST, np.maximum(_rank(frames.weakness), _rank(frames.jumps)))
    usual = _tell_usual(frames.shapes, np.random.default_rng(seed))
    apart = (frames.times[-1] - frames.times[0]) / (2 * count)
    unlike, gap = np.ones(total), np.ones(total)
    chosen: list[int] = []
    for _ in range(count):
        value = worth * unlike * gap
        value[chosen] = -1.0
        chosen.append(int(value.argmax()))
        difference = np.linalg.norm(frames.shapes - frames.shapes[chosen[-1]], axis=1) / usual
        nobody = np.isnan(frames.shapes[:, 0])
        difference = np.where(nobody & nobody[chosen[-1]], _ALIKE, np.where(np.isnan(difference), 1.0, difference))
        unlike = np.minimum(unlike, np.minimum(1.0, difference))
        gap = np.minimum(gap, np.minimum(1.0, np.abs(frames.times - frames.times[chosen[-1]]) / max(apart, 1e-9)))
    return sorted(chosen)


def _rank(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(F,) share of the others that are smaller, in [0, 1]."""
    return np.searchsorted(np.sort(values), values) / max(1, len(values) - 1)


def _tell_usual(shapes: NDArray[np.float64], rng: np.random.Generator) -> float:
    """The median difference of two frames in which somebody is."""
    there = np.flatnonzero(~np.isnan(shapes[:, 0]))
    if len(there) < 2:
        return 1.0
    pairs = rng.choice(there, (200, 2))
    return max(1e-6, float(np.median(np.linalg.norm(shapes[pairs[:, 0]] - shapes[pairs[:, 1]], axis=1))))
