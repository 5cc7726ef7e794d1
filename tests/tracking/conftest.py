"""People who walk, without a picture or a network: true keypoints, the noise of a detector, misses."""

import dataclasses

import numpy as np
import pytest
from standing_person import BODY

from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import HUMAN_18

RATE = 25.0


def standing(place, *, height=150.0):
    """Keypoints (18, 2) of somebody whose feet are at `place`."""
    return BODY * height + np.asarray(place, float)


def poses(people, *, scores=0.8, ids=None, skeleton=HUMAN_18):
    """Poses of people given as (K, 2) keypoints."""
    xy = np.array(list(people), np.float32).reshape(-1, len(skeleton.keypoints), 2)
    n = len(xy)
    found = ~np.isnan(xy[..., 0])
    return Poses(
        skeleton,
        xy,
        0.7 * found.astype(np.float32),
        np.broadcast_to(np.float32(scores), n).copy(),
        None if ids is None else np.asarray(ids, np.int64),
    )


def noisy(xy, rng, *, jitter=1.5, missing=0.1):
    """What a detector makes of (K, 2) keypoints."""
    seen = xy + rng.normal(0, jitter, xy.shape)
    seen[rng.random(len(xy)) < missing] = np.nan
    return seen


def shimmer(frame, number):
    """The same people a little off: no camera takes the same picture twice."""
    return dataclasses.replace(frame, keypoints=frame.keypoints + np.float32(0.01 * (number % 97)))


@pytest.fixture
def rng():
    return np.random.default_rng(7)
