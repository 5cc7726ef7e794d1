"""A person is a view of one of many, with the names that people ask for."""

import math

import numpy as np
import pytest

from nimblepose import Poses, Skeleton, SkeletonError
from nimblepose.core.person import Keypoint

ARM = Skeleton("arm", ("shoulder", "elbow", "wrist"), (("shoulder", "elbow"), ("elbow", "wrist")))


@pytest.fixture
def poses():
    keypoints = np.float32([[[1, 2], [3, 4], [5, 9]], [[10, 20], [np.nan] * 2, [30, 25]]])
    scores = np.float32([[0.5, 0.75, 1], [0.25, 0, 0.5]])
    return Poses(ARM, keypoints, scores, np.float32([0.875, 0.5]), np.array([7, 3]))


def test_everything_of_one_person_is_there_without_an_axis(poses):
    person = poses[1]
    assert (person.score, person.track_id) == (0.5, 3)
    assert person.box.tolist() == [10, 20, 20, 5]
    assert person.keypoints.shape == (3, 2)
    assert person.keypoint_scores.tolist() == [0.25, 0, 0.5]
    assert person.found.tolist() == [True, False, True]
    np.testing.assert_array_equal(person.poses.keypoints, poses.keypoints[1:])
    assert person.poses.to_dict()["people"] == poses.to_dict()["people"][1:]


def test_a_keypoint_has_the_name_that_the_skeleton_gives_it(poses):
    x, y, score = poses[0]["wrist"]
    assert (x, y, score) == (5, 9, 1)
    assert poses[0]["wrist"] == Keypoint(x=5, y=9, score=1)
    missing = poses[1]["elbow"]
    assert math.isnan(missing.x)
    assert math.isnan(missing.y)
    assert missing.score == 0


def test_a_name_that_is_not_there_says_which_are(poses):
    with pytest.raises(SkeletonError, match="'arm' has no keypoint 'left_wrist'; it has shoulder, elbow, wrist"):
        poses[0]["left_wrist"]


def test_a_person_says_in_a_line_who_it_is(poses):
    assert repr(poses[1]) == "<Person: score 0.50, 2 of 3 keypoints, track_id=3>"
    alone = Poses(ARM, poses.keypoints, poses.keypoint_scores, poses.scores)[0]
    assert alone.track_id is None
    assert repr(alone) == "<Person: score 0.88, 3 of 3 keypoints>"
