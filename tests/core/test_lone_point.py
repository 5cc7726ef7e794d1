"""One keypoint is a body to labels and results, and to nobody else."""

import numpy as np
import pytest

from nimblepose.core.errors import ModelError, SkeletonError
from nimblepose.core.lone_point import LonePoint, read_skeleton
from nimblepose.core.metadata import ModelMetadata
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import COCO_17, Skeleton

FOOD = LonePoint("food", ("pellet",), ())


def test_poses_may_have_one_keypoint():
    poses = Poses(FOOD, np.ones((2, 1, 2), np.float32), np.ones((2, 1), np.float32), np.ones(2, np.float32))
    assert poses.boxes.tolist() == [[1, 1, 0, 0]] * 2
    assert FOOD.limb_indices.shape == (0, 2)
    assert FOOD.loop_limbs == frozenset()


def test_there_and_back():
    assert read_skeleton(FOOD.to_dict()) == FOOD
    assert read_skeleton(COCO_17.to_dict()) == COCO_17
    assert type(read_skeleton(COCO_17.to_dict())) is Skeleton


def test_several_keypoints_need_limbs_as_ever():
    with pytest.raises(SkeletonError, match="a lone point is 1 keypoint, got 2"):
        LonePoint("pair", ("a", "b"), ())
    with pytest.raises(SkeletonError, match="has no limbs"):
        read_skeleton({"keypoints": ["a", "b"], "limbs": []})
    with pytest.raises(SkeletonError, match="expected a mapping"):
        read_skeleton(5)


def test_a_model_cannot_have_it():
    with pytest.raises(ModelError, match=r"no limbs.*add a second one"):
        ModelMetadata.from_strings(ModelMetadata(skeleton=FOOD).to_strings(), source="a.onnx")
