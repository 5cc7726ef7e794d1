"""People as ControlNet's and ComfyUI's readers take them."""

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from nimblepose.core.geometry import Size
from nimblepose.core.skeleton import HUMAN_18

if TYPE_CHECKING:
    from nimblepose.core.poses import Poses


def to_openpose_order(poses: "Poses") -> "Poses":
    """The same people with OpenPose's 18 keypoints; a neck that the skeleton lacks lies between the shoulders.

    Raises:
        SkeletonError: the skeleton shares no keypoint name with them.
    """
    if poses.skeleton.keypoints == HUMAN_18.keypoints:
        return poses
    people = poses.to_skeleton(HUMAN_18)
    neck, *shoulders = (HUMAN_18.keypoints.index(name) for name in ("neck", "right_shoulder", "left_shoulder"))
    keypoints, scores = people.keypoints.copy(), people.keypoint_scores.copy()
    lacks = np.isnan(keypoints[:, neck, 0])
    keypoints[lacks, neck] = keypoints[lacks][:, shoulders].mean(axis=1)
    found = lacks & ~np.isnan(keypoints[:, neck, 0])
    scores[found, neck] = people.keypoint_scores[found][:, shoulders].min(axis=1)
    return dataclasses.replace(people, keypoints=keypoints, keypoint_scores=scores)


def to_controlnet(poses: "Poses", size: Size) -> dict[str, Any]:
    """See `Poses.to_controlnet`."""
    people = to_openpose_order(poses)
    rows = np.concatenate([people.keypoints, people.found[..., None]], axis=-1)
    rows[~people.found] = 0
    return {
        "people": [
            {
                "pose_keypoints_2d": [round(float(value), 4) for value in row.ravel()],
                "face_keypoints_2d": None,
                "hand_left_keypoints_2d": None,
                "hand_right_keypoints_2d": None,
            }
            for row in rows
        ],
        "canvas_height": int(size[0]),
        "canvas_width": int(size[1]),
    }
