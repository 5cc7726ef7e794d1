"""A second look at a whole recording, which knows what comes next: no lag, and short gaps are filled."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.errors import PoseError
from nimblepose.core.poses import Poses
from nimblepose.tracking.fitting import Fit, Floats, fill_gaps, fit_locally
from nimblepose.tracking.tracks import body_sizes


@dataclass(frozen=True, kw_only=True)
class OfflineOptions:
    """How far around each frame to look, and which gaps to fill.

    Raises:
        PoseError: a value out of its range.
    """

    window: float = 0.5  # seconds of recording that each smoothed keypoint is fitted to; 0 leaves them as they are
    max_gap: float = 0.5  # seconds; keypoints and people missing for longer stay missing

    def __post_init__(self) -> None:
        """Name the option that cannot be."""
        for name in ("window", "max_gap"):
            if not 0 <= getattr(self, name) < math.inf:
                raise PoseError(f"{name} must be 0 or more seconds, got {getattr(self, name)}")


@dataclass(frozen=True)
class _Way:
    """One person over F frames, from the first to the last sighting."""

    first: int  # index of the first frame in the recording
    row: NDArray[np.intp]  # (F,) place among the people of each frame; -1: not seen
    xy: Floats  # (F, K, 2)
    keypoint_scores: Floats  # (F, K)
    scores: Floats  # (F,)
    interpolated: NDArray[np.bool_]  # (F, K)


def smooth_offline(frames: Sequence[tuple[float, Poses]], options: OfflineOptions = OfflineOptions()) -> list[Poses]:
    """Steady the keypoints of a recording without lag, and fill short gaps; what was filled in is `interpolated`.

    Each keypoint is fitted by a parabola over the sightings around it, by the real times of frames, nearer ones
    counting more (Savitzky and Golay's filter, for any spacing); a sighting far off its neighbours does not count.

    Args:
        frames: (time in seconds, people with `track_ids`) of every frame in order.
        options: Window and gaps.

    Returns:
        People of every frame, one entry per frame given, in the order given; somebody unseen for a short while is added
        after them. The score of what was filled in is the lower of those before and after the gap.

    Raises:
        PoseError: people have no `track_ids`, or time does not grow from frame to frame.
    """
    times = np.array([time for time, _ in frames], np.float64)
    if not (np.diff(times) > 0).all() or not np.isfinite(times).all():
        raise PoseError("smoothing needs frames in order, each with a later time than the one before")
    if any(poses.track_ids is None and len(poses) for _, poses in frames):
        raise PoseError("smoothing needs people with track_ids: pass them through a Tracker first")
    seen: dict[int, list[tuple[int, int]]] = {}
    for number, (_, poses) in enumerate(frames):
        for row, person in enumerate([] if poses.track_ids is None else poses.track_ids.tolist()):
            seen.setdefault(person, []).append((number, row))
    ways = {person: _smoothed(_collected(frames, places), times, options) for person, places in seen.items()}
    return _by_frame(frames, ways)


def _collected(frames: Sequence[tuple[float, Poses]], places: Sequence[tuple[int, int]]) -> _Way:
    """The way of one person as it was seen, at (frame, row) places; NaN and 0 between."""
    first, count = places[0][0], places[-1][0] - places[0][0] + 1
    k = len(frames[first][1].skeleton.keypoints)
    way = _Way(
        first,
        row=np.full(count, -1),
        xy=np.full((count, k, 2), np.nan),
        keypoint_scores=np.zeros((count, k)),
        scores=np.zeros(count),
        interpolated=np.zeros((count, k), bool),
    )
    for number, row in places:
        poses, f = frames[number][1], number - first
        way.row[f], way.xy[f], way.keypoint_scores[f] = row, poses.keypoints[row], poses.keypoint_scores[row]
        way.scores[f] = poses.scores[row]
        way.interpolated[f] = poses.interpolation_flags[row]
    return way


def _smoothed(way: _Way, times: Floats, options: OfflineOptions) -> _Way:
    """The way with steadied keypoints and short gaps filled."""
    times = times[way.first : way.first + len(way.row)]
    sizes = body_sizes(way.xy)[way.row >= 0]
    fit = Fit(way.xy, np.zeros_like(way.xy))
    if options.window:
        fit = fit_locally(times, way.xy, window=options.window, size=float(np.median(sizes)))
    xy, before, after = fill_gaps(times, fit, max_gap=options.max_gap)
    new = np.isnan(way.xy[..., 0]) & ~np.isnan(xy[..., 0])
    columns = np.arange(xy.shape[1])
    lower = np.minimum(way.keypoint_scores[before, columns], way.keypoint_scores[after, columns])
    there = np.flatnonzero(way.row >= 0)
    place = np.arange(len(times))
    previous = there[np.searchsorted(there, place, "right") - 1]
    following = there[np.searchsorted(there, place, "left")]
    return dataclasses.replace(
        way,
        xy=xy,
        keypoint_scores=np.where(new, lower, way.keypoint_scores),
        scores=np.minimum(way.scores[previous], way.scores[following]),
        interpolated=way.interpolated | new,
    )


def _by_frame(frames: Sequence[tuple[float, Poses]], ways: dict[int, _Way]) -> list[Poses]:
    """The people of each frame as their ways have them; those who were filled in come last."""
    present: list[list[tuple[int, int, _Way]]] = [[] for _ in frames]  # (row, id, way) per frame
    for person, way in ways.items():
        for f in np.flatnonzero((way.row >= 0) | way.interpolated.any(axis=1)).tolist():
            row = int(way.row[f])
            present[way.first + f].append((row if row >= 0 else len(frames[way.first + f][1]), person, way))
    result = []
    for number, ((_, poses), people) in enumerate(zip(frames, present, strict=True)):
        people.sort(key=lambda entry: entry[:2])
        k = len(poses.skeleton.keypoints)
        part = [(way, number - way.first) for _, _, way in people]
        result.append(
            Poses(
                poses.skeleton,
                np.array([way.xy[f] for way, f in part], np.float32).reshape(-1, k, 2),
                np.array([way.keypoint_scores[f] for way, f in part], np.float32).reshape(-1, k),
                np.array([way.scores[f] for way, f in part], np.float32),
                np.array([person for _, person, _ in people], np.int64),
                np.array([way.interpolated[f] for way, f in part], bool).reshape(-1, k),
            )
        )
    return result
