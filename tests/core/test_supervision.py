"""What supervision is given keeps every pose, in order, whatever of it was found."""

import sys

import numpy as np
import pytest

from nimblepose import HUMAN_18, Poses, Skeleton
from nimblepose.core.supervision import list_edges

STICK = Skeleton("stick", ("head", "foot"), (("head", "foot"),))


@pytest.fixture
def poses():
    """Four, of which two have no keypoints, and one has one."""
    keypoints = np.float32([[[np.nan] * 2] * 2, [[10, 20], [30, 60]], [[np.nan] * 2] * 2, [[5, 6], [np.nan] * 2]])
    scores = np.float32([[0, 0], [0.9, 0.5], [0, 0], [0.9, 0]])
    return Poses(STICK, keypoints, scores, np.float32([0.9, 0.8, 0.7, 0.6]), np.array([4, 3, 2, 1]))


def give(monkeypatch, make):
    """The package is not needed for this: what it would be given is seen by a stand-in."""
    stand_in = type(sys)("supervision")
    stand_in.KeyPoints = make
    monkeypatch.setitem(sys.modules, "supervision", stand_in)


def test_what_is_new_and_what_is_finite(poses, monkeypatch):
    def make(xy, class_id, keypoint_confidence, detection_confidence, visible, data, *, confidence=None):
        assert confidence is None, "it goes in 0.32"
        return locals()

    give(monkeypatch, make)
    poses.scores[3] = np.nan
    given = poses.to_supervision()
    np.testing.assert_array_equal(given["xy"], np.nan_to_num(poses.keypoints))
    np.testing.assert_array_equal(given["keypoint_confidence"], poses.keypoint_scores)
    np.testing.assert_allclose(given["detection_confidence"], [0.9, 0.8, 0.7, 0])
    assert given["visible"].tolist() == [[False] * 2, [True] * 2, [False] * 2, [True, False]]
    assert given["class_id"].tolist() == [0] * 4
    assert {key: value.tolist() for key, value in given["data"].items()} == {
        "pose": [0, 1, 2, 3], "track_id": [4, 3, 2, 1]
    }  # fmt: skip


def test_releases_before_029_are_given_what_they_know(poses, monkeypatch):
    give(monkeypatch, lambda xy, class_id=None, confidence=None, data=None: (xy, class_id, confidence, data))
    _, _, confidence, data = Poses(STICK, poses.keypoints, poses.keypoint_scores, poses.scores).to_supervision()
    np.testing.assert_array_equal(confidence, poses.keypoint_scores)
    assert list(data) == ["pose"]


def test_edges_are_the_limbs_of_a_body_counted_from_one():
    edges = list_edges(HUMAN_18)
    names = {(HUMAN_18.keypoints[a - 1], HUMAN_18.keypoints[b - 1]) for a, b in edges}
    assert len(edges) == 17
    assert names == {limb for limb in HUMAN_18.limbs if limb[0].split("_")[-1] != "shoulder" or "ear" not in limb[1]}
    assert Poses.empty(STICK).supervision_edges == [(1, 2)]


def test_boxes_are_those_of_the_right_poses(poses):
    supervision = pytest.importorskip("supervision")
    key_points = poses.to_supervision()
    boxes = key_points.as_detections()
    assert boxes.data["pose"].tolist() == [1, 3]
    np.testing.assert_allclose(boxes.xyxy, [[10, 20, 30, 60], [5, 6, 5, 6]])
    np.testing.assert_allclose(boxes.confidence, [0.8, 0.6])
    picture = np.zeros((100, 100, 3), np.uint8)
    drawn = supervision.EdgeAnnotator(edges=poses.supervision_edges).annotate(picture.copy(), key_points)
    assert drawn[40, 20].any(), "between head and foot of the only one who has both"
    assert not drawn[:15, :4].any(), "nothing leads to (0, 0)"
