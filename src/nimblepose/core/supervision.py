"""People as `supervision.KeyPoints`, so that nothing of them is lost or made up there."""

import inspect
from typing import TYPE_CHECKING, Any

import numpy as np

from nimblepose.core.body import list_body_limbs
from nimblepose.core.optional import import_optional
from nimblepose.core.skeleton import Skeleton

if TYPE_CHECKING:
    from nimblepose.core.poses import Poses


def to_key_points(poses: "Poses") -> Any:
    """See `Poses.to_supervision`."""
    make = import_optional("supervision", "this adapter").KeyPoints
    given: dict[str, Any] = {
        "xy": np.nan_to_num(poses.keypoints, nan=0.0),
        "keypoint_confidence": np.nan_to_num(poses.keypoint_scores),
        "detection_confidence": np.nan_to_num(poses.scores),
        "visible": poses.found,
        "class_id": np.zeros(len(poses), int),
        "data": {"pose": np.arange(len(poses))},
    }
    if poses.track_ids is not None:
        given["data"]["track_id"] = poses.track_ids.copy()
    known = set(inspect.signature(make).parameters)
    if "keypoint_confidence" not in known:  # before 0.29; "confidence" itself goes in 0.32
        given["confidence"] = given.pop("keypoint_confidence")
    return make(**{name: value for name, value in given.items() if name in known})


def list_edges(skeleton: Skeleton) -> list[tuple[int, int]]:
    """The limbs of a body as pairs of keypoints counted from 1, as supervision's annotators take them.

    >>> from nimblepose.core.skeleton import HUMAN_18
    >>> len(list_edges(HUMAN_18)), list_edges(HUMAN_18)[0]  # neck and right hip
    (17, (2, 9))
    """
    body = list_body_limbs(skeleton)
    return [(a + 1, b + 1) for i, (a, b) in enumerate(skeleton.limb_indices.tolist()) if i in body]
