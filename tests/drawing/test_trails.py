"""Trails hold the last moments of everybody, of one keypoint, and nothing older."""

import numpy as np
import pytest

from nimblepose.core.errors import PoseError, SkeletonError
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import HUMAN_18, Skeleton
from nimblepose.drawing.trails import Trails

STICK = Skeleton("stick", ("head", "foot"), (("head", "foot"),))


def people(**places):
    """Sticks by identity: `p7=(x, y)` is the place of the head of person 7; None: not seen."""
    ids = np.array([int(name[1:]) for name in places], np.int64)
    heads = np.array([(np.nan, np.nan) if xy is None else xy for xy in places.values()], np.float32).reshape(-1, 2)
    keypoints = np.stack([heads, np.full_like(heads, 5)], axis=1)
    scores = (~np.isnan(keypoints[..., 0])).astype(np.float32)
    return Poses(STICK, keypoints, scores, np.ones(len(ids), np.float32), ids)


def test_they_hold_the_last_seconds_and_forget_who_was_not_seen_since():
    trails = Trails(seconds=1.0, keypoint="head")
    for time, seen in ((0.0, people(p1=(0, 0), p2=(9, 9))), (0.5, people(p1=(1, 0))), (1.25, people(p1=(2, 0)))):
        trails = trails.extend(seen, time)
    assert set(trails.points) == {1}
    np.testing.assert_allclose(trails.points[1], [[0.5, 1, 0], [1.25, 2, 0]])
    assert set(trails.extend(people(), 2.25).points) == {1}, "what is just as old as that is kept"
    assert trails.extend(people(), 2.3).points == {}


def test_a_keypoint_that_was_not_seen_leaves_a_gap():
    trails = Trails(keypoint="head")
    for time, seen in ((0.0, people(p1=(0, 0))), (0.1, people(p1=None)), (0.2, people(p1=(2, 0)))):
        trails = trails.extend(seen, time)
    np.testing.assert_allclose(trails.points[1][:, 0], [0, 0.2])


def test_without_a_name_it_is_the_joint_at_which_most_limbs_meet():
    keypoints = np.arange(36, dtype=np.float32).reshape(1, 18, 2)
    poses = Poses(HUMAN_18, keypoints, np.ones((1, 18), np.float32), np.ones(1, np.float32), np.array([3]))
    way = Trails().extend(poses, 0.0).points[3]
    np.testing.assert_allclose(way[0, 1:], keypoints[0, HUMAN_18.keypoints.index("neck")])


def test_people_without_identities_and_keypoints_that_are_not_there_are_refused():
    nameless = Poses(STICK, np.zeros((1, 2, 2), np.float32), np.ones((1, 2), np.float32), np.ones(1, np.float32))
    with pytest.raises(PoseError, match="track_ids"):
        Trails().extend(nameless, 0.0)
    with pytest.raises(SkeletonError, match="no keypoint 'tail'"):
        Trails(keypoint="tail").extend(people(p1=(0, 0)), 0.0)
