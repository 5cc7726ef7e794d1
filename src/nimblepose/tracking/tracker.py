"""Who is who from frame to frame."""

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from nimblepose.core.errors import PoseError
from nimblepose.core.oks import oks
from nimblepose.core.poses import Poses


@dataclass(frozen=True, kw_only=True)
class TrackOptions:
    """When are two sightings one person?

    Raises:
        PoseError: a value out of its range.
    """

    max_gap: float = 2.0  # seconds that somebody may be out of sight and keep the identity
    min_similarity: float = 0.3  # OKS in [0, 1] between where a person is expected and where one was found

    def __post_init__(self) -> None:
        """Name the option that cannot be."""
        if not 0 <= self.max_gap < math.inf:
            raise PoseError(f"max_gap must be 0 or more seconds, got {self.max_gap}")
        if not 0 < self.min_similarity < 1:
            raise PoseError(f"min_similarity must lie between 0 and 1, got {self.min_similarity}")


class Tracker:
    """Gives the people of one stream their identities: counted up from 1, never used again, the same in every run."""

    def __init__(self, options: TrackOptions = TrackOptions()) -> None:
        """Start with nobody."""
        self.options = options
        self.reset()

    def reset(self) -> None:
        """Forget everybody, as for another stream; ids start at 1 again."""
        self._known: dict[int, tuple[float, Poses]] = {}
        self._next_id = 1

    def update(self, poses: Poses, time: float) -> Poses:
        """The people of the next frame, with `track_ids`.

        Args:
            poses: People found in the frame, in pixels.
            time: When it was taken, in seconds; never before the frame given last.
        """
        ids = np.zeros(len(poses), np.int64)
        free = {i: p for i, (seen, p) in self._known.items() if time - seen <= self.options.max_gap}
        for n, pose in enumerate(poses):
            area = pose.boxes[:, 2:].prod(axis=1)
            similar = {
                i: float(oks(p.keypoints, pose.keypoints, oks_sigmas=pose.skeleton.oks_sigmas, area=area)[0, 0])
                for i, p in free.items()
            }
            best = max(similar, key=lambda i: similar[i], default=0)
            if not best or similar[best] < self.options.min_similarity:
                best, self._next_id = self._next_id, self._next_id + 1
            free.pop(best, None)
            ids[n] = best
            self._known[best] = time, pose
        return dataclasses.replace(poses, track_ids=ids)
