"""A second look at a whole recording, which knows what comes next: no lag, and short gaps are filled."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.errors import OptionError, PoseError
from nimblepose.core.poses import Poses
from nimblepose.tracking.fitting import Fit, fill_gaps, fit_locally
from nimblepose.tracking.tracks import Floats, measure_sizes


@dataclass(frozen=True, kw_only=True)
class OfflineOptions:
    """How far around each frame to look, and which gaps to fill.

    Raises:
        OptionError: a value out of its range.
    """

    window: float = 0.5  # seconds of recording that each smoothed keypoint is fitted to; 0 leaves them as they are
    max_gap: float = 0.5  # seconds; keypoints and people missing for longer stay missing

    def __post_init__(self) -> None:
        """Name the option that cannot be."""
        for name in ("window", "max_gap"):
            if not 0 <= getattr(self, name) < math.inf:
                raise OptionError(f"{name} must be 0 or more seconds, got {getattr(self, name)}")


@dataclass(frozen=True)
class _Trajectory:
    """One person over F frames, from the first to the last sighting."""

    first: int  # index of the first frame in the recording
    row: NDArray[np.intp]  # (F,) place among the people of each frame; -1: not seen
    xy: Floats  # (F, K, 2)
    keypoint_scores: Floats  # (F, K)
    scores: Floats  # (F,)
    interpolated: NDArray[np.bool_]  # (F, K)
    keypoint_errors: Floats  # (F, K) of what was seen; NaN: not known


def smooth_offline(frames: Sequence[tuple[float, Poses]], options: OfflineOptions = OfflineOptions()) -> list[Poses]:
    """Steady the keypoints of a recording without lag, and fill short gaps; what was filled in is `interpolated`.

    Each keypoint is fitted by a parabola over the sightings around it, by the real times of frames, nearer ones
    counting more (Savitzky and Golay's filter, for any spacing); a sighting far off its neighbours does not count.

    Args:
        frames: (time in seconds, people with `track_ids`) of every frame in order.
        options: Window and gaps.

    Returns:
        People of every frame, one entry per frame given, in the order given; somebody unseen for a short while is added
        after them. The score of what was filled in is the lower of those before and after the gap; its error is not
        known. `keypoint_errors` of what was seen are as they were given, those of single sightings.

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
    trajectories = {person: _smooth(_collect(frames, places), times, options) for person, places in seen.items()}
    return _split_by_frame(frames, trajectories, any(poses.keypoint_errors is not None for _, poses in frames))


def _collect(frames: Sequence[tuple[float, Poses]], places: Sequence[tuple[int, int]]) -> _Trajectory:
    """The trajectory of one person as it was seen, at (frame, row) places; NaN and 0 between."""
    first, count = places[0][0], places[-1][0] - places[0][0] + 1
    k = len(frames[first][1].skeleton.keypoints)
    trajectory = _Trajectory(
        first,
        row=np.full(count, -1),
        xy=np.full((count, k, 2), np.nan),
        keypoint_scores=np.zeros((count, k)),
        scores=np.zeros(count),
        interpolated=np.zeros((count, k), bool),
        keypoint_errors=np.full((count, k), np.nan),
    )
    for number, row in places:
        poses, f = frames[number][1], number - first
        trajectory.row[f], trajectory.xy[f], trajectory.scores[f] = row, poses.keypoints[row], poses.scores[row]
        trajectory.keypoint_scores[f] = poses.keypoint_scores[row]
        trajectory.interpolated[f] = poses.interpolation_flags[row]
        if poses.keypoint_errors is not None:
            trajectory.keypoint_errors[f] = poses.keypoint_errors[row]
    return trajectory


def _smooth(trajectory: _Trajectory, times: Floats, options: OfflineOptions) -> _Trajectory:
    """The trajectory with steadied keypoints and short gaps filled."""
    times = times[trajectory.first : trajectory.first + len(trajectory.row)]
    sizes = measure_sizes(trajectory.xy)[trajectory.row >= 0]
    fit = Fit(trajectory.xy, np.zeros_like(trajectory.xy))
    if options.window:
        fit = fit_locally(times, trajectory.xy, window=options.window, size=float(np.median(sizes)))
    xy, before, after = fill_gaps(times, fit, max_gap=options.max_gap)
    new = np.isnan(trajectory.xy[..., 0]) & ~np.isnan(xy[..., 0])
    columns = np.arange(xy.shape[1])
    lower = np.minimum(trajectory.keypoint_scores[before, columns], trajectory.keypoint_scores[after, columns])
    there = np.flatnonzero(trajectory.row >= 0)
    place = np.arange(len(times))
    previous = there[np.searchsorted(there, place, "right") - 1]
    following = there[np.searchsorted(there, place, "left")]
    return dataclasses.replace(
        trajectory,
        xy=xy,
        keypoint_scores=np.where(new, lower, trajectory.keypoint_scores),
        scores=np.minimum(trajectory.scores[previous], trajectory.scores[following]),
        interpolated=trajectory.interpolated | new,
    )


def _split_by_frame(
    frames: Sequence[tuple[float, Poses]], trajectories: dict[int, _Trajectory], errors_known: bool
) -> list[Poses]:
    """The people of each frame as their trajectories have them; those who were filled in come last."""
    present: list[list[tuple[int, int, _Trajectory]]] = [[] for _ in frames]  # (row, id, trajectory) per frame
    for person, trajectory in trajectories.items():
        for f in np.flatnonzero((trajectory.row >= 0) | trajectory.interpolated.any(axis=1)).tolist():
            row, number = int(trajectory.row[f]), trajectory.first + f
            present[number].append((row if row >= 0 else len(frames[number][1]), person, trajectory))
    result = []
    for number, ((_, poses), people) in enumerate(zip(frames, present, strict=True)):
        people.sort(key=lambda entry: entry[:2])
        k = len(poses.skeleton.keypoints)
        part = [(trajectory, number - trajectory.first) for _, _, trajectory in people]
        result.append(
            Poses(
                poses.skeleton,
                np.array([trajectory.xy[f] for trajectory, f in part], np.float32).reshape(-1, k, 2),
                np.array([trajectory.keypoint_scores[f] for trajectory, f in part], np.float32).reshape(-1, k),
                np.array([trajectory.scores[f] for trajectory, f in part], np.float32),
                np.array([person for _, person, _ in people], np.int64),
                np.array([trajectory.interpolated[f] for trajectory, f in part], bool).reshape(-1, k),
                keypoint_errors=np.array([t.keypoint_errors[f] for t, f in part], np.float32).reshape(-1, k)
                if errors_known
                else None,
            )
        )
    return result
