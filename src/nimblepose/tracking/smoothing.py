"""Steady keypoints, frame by frame: the one-euro filter over people and keypoints."""

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nimblepose.core.errors import OptionError, PoseError
from nimblepose.core.poses import Poses
from nimblepose.tracking.tracks import Floats, measure_sizes

_USUAL_ERROR = 0.03  # body sizes by which keypoints are expected to be off
_MOST_USUAL = 3.0  # times, by which a cutoff differs from that of the usual error
_SIZE_SECONDS = 2.0  # over which a body seen in part is still taken to be as large as it was


@dataclass(frozen=True, kw_only=True)
class SmoothOptions:
    """How much is noise? Lengths are in body sizes (0.7 m of a grown person), so that they hold at any resolution.

    Raises:
        OptionError: a value out of its range.
    """

    min_cutoff: float = 0.7  # Hz; at rest, what is faster is noise
    beta: float = 2.5  # Hz per body size per second; how readily the filter gives way to motion
    speed_cutoff: float = 1.0  # Hz; what is faster in the speed itself is noise
    error_speed: float = 1.0  # body sizes per second, per body size of expected error; so much of a speed is noise
    max_gap: float = 0.3  # seconds unseen after which a keypoint starts anew

    def __post_init__(self) -> None:
        """Name the option that cannot be."""
        for name in ("min_cutoff", "beta", "speed_cutoff", "error_speed", "max_gap"):
            if not 0 <= getattr(self, name) < math.inf:
                raise OptionError(f"{name} must be 0 or more, got {getattr(self, name)}")


@dataclass(frozen=True)
class _State:
    """What the filter remembers of M people with K keypoints each."""

    ids: NDArray[np.int64]  # (M,)
    sizes: Floats  # (M,) pixels
    times: Floats  # (M, K) seconds, when last found; -inf: never
    xy: Floats  # (M, K, 2) filtered pixels
    velocity: Floats  # (M, K, 2) filtered pixels per second

    def __getitem__(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "_State":
        return _State(*(getattr(self, f.name)[rows] for f in dataclasses.fields(self)))

    def join(self, other: "_State") -> "_State":
        """These people, then the others."""
        both = ((getattr(self, f.name), getattr(other, f.name)) for f in dataclasses.fields(self))
        return _State(*(np.concatenate(pair) for pair in both))

    def select(self, ids: NDArray[np.int64]) -> "_State":
        """The state of these people in this order; blank for newcomers."""
        filled = self.join(_start_blank(ids, self.times.shape[1]))
        same = filled.ids[:, None] == ids
        return filled[same.argmax(axis=0)] if len(same) else filled  # the first of two is the one remembered


class OneEuroSmoother:
    """Steadies the keypoints of one stream of people with identities (Casiez, Roussel and Vogel, CHI 2012).

    A low-pass filter per keypoint, slow at rest, where jitter shows, and quick in motion, where lag shows. It goes by
    the real times of frames. Who was out of sight starts anew where they reappear. Keypoints that are expected to be
    far off (`Poses.keypoint_errors`) jitter more, so they are filtered more.
    """

    def __init__(self, options: SmoothOptions = SmoothOptions()) -> None:
        """Start with nobody."""
        self.options = options
        self.reset()

    def reset(self) -> None:
        """Forget everybody, as for another stream."""
        self._state: _State | None = None
        self._time = -math.inf

    def update(self, poses: Poses, time: float) -> Poses:
        """The same people with steadied keypoints; scores, and which keypoints were found, stay.

        Args:
            poses: People of the next frame with `track_ids`.
            time: When it was taken, in seconds; never before the frame given last.

        Raises:
            PoseError: the poses have no `track_ids`, or time runs backwards.
        """
        if poses.track_ids is None and len(poses):
            raise PoseError("smoothing needs people with track_ids: pass them through a Tracker first")
        if not self._time <= time < math.inf:
            raise PoseError(
                f"time {time} after {self._time}: frames must come in order; call reset() where a stream starts anew"
            )
        ids = np.zeros(0, np.int64) if poses.track_ids is None else poses.track_ids
        blank = _start_blank(np.zeros(0, np.int64), len(poses.skeleton.keypoints))
        known = blank if self._state is None else self._state
        known = known[time - known.times.max(axis=1) <= self.options.max_gap]
        now = _filter(known.select(ids), poses, time, self.options)
        unseen = (known.ids[:, None] != ids).all(axis=1)
        self._state, self._time = now.join(known[unseen]), time
        xy = np.where(poses.found[..., None], now.xy, np.nan).astype(np.float32)
        return dataclasses.replace(poses, keypoints=xy)


def _filter(state: _State, poses: Poses, time: float, options: SmoothOptions) -> _State:
    """One step of the filter for M people; keypoints not found keep their state."""
    raw, found = poses.keypoints.astype(np.float64), poses.found
    elapsed = time - state.times  # (M, K)
    fresh = elapsed > options.max_gap  # first seen, or seen again
    elapsed = np.where(fresh, 1.0, np.maximum(elapsed, 1e-6))
    sizes = np.fmax(measure_sizes(raw), state.sizes * np.exp(-elapsed.min(axis=1) / _SIZE_SECONDS))
    speed_gain = _compute_gain(options.speed_cutoff, elapsed)[..., None]
    xy = np.where(fresh[..., None], raw, state.xy)
    velocity = np.where(fresh[..., None], 0.0, state.velocity)
    velocity = velocity + speed_gain * ((raw - xy) / elapsed[..., None] - velocity)
    speed = np.hypot(velocity[..., 0], velocity[..., 1]) / sizes[:, None]  # body sizes per second
    rest, noise = _tell_noise(poses.keypoint_errors, sizes, options)
    cutoff = rest + options.beta * np.maximum(speed - noise, 0)
    xy = xy + _compute_gain(cutoff, elapsed)[..., None] * (raw - xy)
    return _State(
        ids=state.ids,
        sizes=sizes,
        times=np.where(found, time, state.times),
        xy=np.where(found[..., None], xy, state.xy),
        velocity=np.where(found[..., None], velocity, state.velocity),
    )


def _tell_noise(
    errors: NDArray[np.float32] | None, sizes: Floats, options: SmoothOptions
) -> tuple[ArrayLike, ArrayLike]:
    """The cutoff at rest in Hz, and the speed in body sizes per second that is noise, (M, K) each, or one for all."""
    if errors is None:
        return options.min_cutoff, 0.0
    error = errors / sizes[:, None]
    error = np.where(np.isnan(error), _USUAL_ERROR, np.maximum(error, 1e-6))
    times = np.minimum(np.maximum(_USUAL_ERROR / error, 1 / _MOST_USUAL), _MOST_USUAL)
    return options.min_cutoff * times, options.error_speed * error


def _compute_gain(cutoff: ArrayLike, elapsed: Floats) -> Floats:
    """Share of the way to the new value that a low-pass filter of `cutoff` Hz goes in `elapsed` seconds."""
    return np.asarray(-np.expm1(-2 * math.pi * np.asarray(cutoff) * elapsed))


def _start_blank(ids: NDArray[np.int64], keypoints: int) -> _State:
    """People of whom nothing is known."""
    n = len(ids)
    return _State(
        ids=ids,
        sizes=np.zeros(n),
        times=np.full((n, keypoints), -np.inf),
        xy=np.zeros((n, keypoints, 2)),
        velocity=np.zeros((n, keypoints, 2)),
    )
