"""Is a picture that of the frame before, shown again? Told by the people in it."""

import numpy as np

from nimblepose.core.poses import Poses
from nimblepose.tracking.tracks import measure_sizes

_LEAST_MOVE = 0.01  # body sizes; compression moves people by less where a picture is repeated


def is_same(poses: Poses, before: Poses) -> bool:
    """Is it, to the last bit? No camera takes the same picture twice. Where nobody is, nothing is told."""
    if not len(poses) or poses.shot != before.shot:
        return False
    pairs = ((getattr(poses, name), getattr(before, name)) for name in ("scores", "keypoints", "limb_colours"))
    return all(a is b or (a is not None and b is not None and np.array_equal(a, b, equal_nan=True)) for a, b in pairs)


def is_repeated(poses: Poses, before: Poses) -> bool:
    """Is it, perhaps compressed in another way, or has nobody moved? Also if somebody's score is another."""
    if len(poses) != len(before) or not len(poses):
        return False
    moved = np.hypot(*np.moveaxis(poses.keypoints - before.keypoints, -1, 0))  # (N, K)
    if np.isnan(moved).all(axis=1).any():
        return False
    return bool((np.nanmedian(moved, axis=1) < _LEAST_MOVE * measure_sizes(poses.keypoints)).all())
