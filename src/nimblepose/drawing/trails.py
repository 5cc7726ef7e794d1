"""Where people came from: the last moments of each identity, as a value that is passed along."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.errors import PoseError, SkeletonError
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import Skeleton


@dataclass(frozen=True, kw_only=True)
class Trails:
    """The way of one keypoint of everybody over the last `seconds`.

    >>> from nimblepose.core.skeleton import HUMAN_18
    >>> trails = Trails(seconds=2.0)
    >>> trails.extend(Poses.empty(HUMAN_18), time=0.5).points
    {}
    """

    seconds: float = 1.5
    keypoint: str | None = None  # whose way; None: the joint at which most limbs meet, a person's neck
    points: Mapping[int, NDArray[np.float64]] = field(default_factory=dict)  # track id -> (T, 3) of time, x, y

    def extend(self, poses: Poses, time: float) -> "Trails":
        """Trails up to this frame; who was not seen for `seconds` is forgotten.

        Args:
            poses: People of the frame with `track_ids`.
            time: When it was taken, in seconds.

        Raises:
            PoseError: the people have no `track_ids`.
            SkeletonError: they have no such keypoint.
        """
        ids: list[int] = [] if poses.track_ids is None else poses.track_ids.tolist()
        if len(ids) != len(poses):
            raise PoseError("trails need people with track_ids: pass them through a Tracker first")
        place = _find_keypoint(poses.skeleton, self.keypoint)
        points = {i: kept for i, way in self.points.items() if len(kept := way[way[:, 0] >= time - self.seconds])}
        for i, xy in zip(ids, poses.keypoints[:, place], strict=True):
            if not np.isnan(xy[0]):
                step = np.array([[time, *xy]])
                points[i] = np.concatenate([points[i], step]) if i in points else step
        return Trails(seconds=self.seconds, keypoint=self.keypoint, points=points)


def _find_keypoint(skeleton: Skeleton, name: str | None) -> int:
    if name is None:
        return int(np.bincount(skeleton.limb_indices.ravel(), minlength=len(skeleton.keypoints)).argmax())
    if name not in skeleton.keypoints:
        raise SkeletonError(f"skeleton {skeleton.name!r} has no keypoint {name!r} to draw the trail of")
    return skeleton.keypoints.index(name)
