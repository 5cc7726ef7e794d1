"""The motion of a hand-held camera, by the people in front of it: all of them move at once, in the same way.

Where the picture is at hand, it says more (`nimblepose.tracking.motion`).
"""

import numpy as np

from nimblepose.core.poses import Poses
from nimblepose.tracking.tracks import Floats, Tracks, take_medians

LEAST_PEOPLE = 3  # who agree; two may have changed places, or walk side by side
_AGREEMENT = 0.25  # body sizes within which people move in the same way
_MAJORITY = 2 / 3  # of those who were in the frame before


def find_shift(expected: Tracks, poses: Poses) -> Floats | None:
    """How far the camera has moved everybody, (2,) in pixels, beyond where they were expected; None if it has not.

    Each pair of somebody expected and somebody found proposes a shift; the one that brings the most people to where
    somebody was found is it, if it explains most of them.

    Args:
        expected: People who were in the frame before, where they should be by now.
        poses: People found.
    """
    count, found = len(expected), len(poses)
    if min(count, found) < LEAST_PEOPLE:
        return None
    off = poses.keypoints[None].astype(np.float64) - expected.xy[:, None]  # (T, N, K, 2)
    pairs = take_medians(off.reshape(count * found, *off.shape[2:])).reshape(count, found, 2)
    pairs[np.isnan(off[..., 0]).all(axis=2)] = np.inf
    proposed = pairs.reshape(-1, 2)[np.isfinite(pairs[..., 0]).ravel()]  # (P, 2)
    distance = np.hypot(*np.moveaxis(pairs[:, None] - proposed[:, None], -1, 0))  # (T, P, N)
    agreeing = distance.min(axis=2) < _AGREEMENT * expected.sizes[:, None]  # (T, P)
    if not len(proposed) or agreeing.sum(axis=0).max() < max(LEAST_PEOPLE, _MAJORITY * count):
        return None
    best = int(agreeing.sum(axis=0).argmax())
    nearest = distance[:, best].argmin(axis=1)
    rows = np.flatnonzero(agreeing[:, best])
    return np.asarray(np.median(pairs[rows, nearest[rows]], axis=0))
