"""ControlNet's and ComfyUI's readers keep what has confidence 1, in pixels, in OpenPose's order."""

import json

import numpy as np
import pytest

from nimblepose import COCO_17, HUMAN_18, Poses, Skeleton, SkeletonError


def make(skeleton):
    k = len(skeleton.keypoints)
    keypoints = np.arange(4 * k, dtype=np.float32).reshape(2, k, 2)
    keypoints[1, skeleton.keypoints.index("right_shoulder")] = np.nan
    scores = np.where(np.isnan(keypoints[..., 0]), 0, 0.25).astype(np.float32)
    return Poses(skeleton, keypoints, scores, np.full(2, 0.5, np.float32))


def read(frame):
    """As these readers do: what has not exactly 1 is not there."""
    rows = np.array([person["pose_keypoints_2d"] for person in frame["people"]]).reshape(-1, 18, 3)
    return np.where(rows[..., 2:] == 1, rows[..., :2], np.nan)


def test_all_that_was_found_is_there_for_them():
    poses = make(HUMAN_18)
    frame = json.loads(json.dumps(poses.to_controlnet((480, 640)), allow_nan=False))
    assert (frame["canvas_height"], frame["canvas_width"]) == (480, 640)
    np.testing.assert_allclose(read(frame), poses.keypoints)
    assert Poses.empty(HUMAN_18).to_controlnet((4, 6))["people"] == []


def test_other_skeletons_come_in_openposes_order_with_a_neck():
    poses = make(COCO_17)
    found = read(poses.to_controlnet((480, 640)))
    for name in COCO_17.keypoints:
        ours = poses.keypoints[:, COCO_17.keypoints.index(name)]
        np.testing.assert_allclose(found[:, HUMAN_18.keypoints.index(name)], ours)
    neck = found[:, HUMAN_18.keypoints.index("neck")]
    shoulders = [COCO_17.keypoints.index(name) for name in ("left_shoulder", "right_shoulder")]
    np.testing.assert_allclose(neck, poses.keypoints[:, shoulders].mean(axis=1), err_msg="one lacks a shoulder")


def test_a_body_without_these_keypoints_is_refused():
    stick = Skeleton("stick", ("top", "end"), (("top", "end"),))
    with pytest.raises(SkeletonError, match="share no keypoint name"):
        Poses.empty(stick).to_controlnet((4, 6))
