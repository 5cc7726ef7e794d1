"""What is found in a reduced picture, in the pixels of its file."""

import numpy as np
import pytest

from nimblepose.core.poses import Poses
from nimblepose.core.reduction import enlarge, shrink
from nimblepose.core.skeleton import COCO_17


@pytest.mark.parametrize("reduction", [1, 2, 8])
def test_a_pixel_is_the_middle_of_those_it_stands_for(reduction):
    keypoints = np.zeros((1, 17, 2), np.float32)
    keypoints[0, 1], keypoints[0, 2] = (3, 5), np.nan
    heads = np.array([[3, 5, 2, 4, 0.5]], np.float32)
    looks = np.array([[2, 1, 4, 6]], np.float32)
    more = {"heads": heads, "looks": looks, "keypoint_errors": np.full((1, 17), 1.5, np.float32)}
    found = Poses(COCO_17, keypoints, np.ones((1, 17), np.float32), np.ones(1, np.float32), **more)
    moved = enlarge(found, reduction)
    blocks = np.arange(16 * reduction).reshape(-1, reduction).mean(axis=1)  # where the mean of each block lies
    assert moved.keypoints.dtype == np.float32
    np.testing.assert_allclose(moved.keypoints[0, :2], [(blocks[0], blocks[0]), (blocks[3], blocks[5])])
    assert np.isnan(moved.keypoints[0, 2]).all()
    np.testing.assert_allclose(moved.heads, [[blocks[3], blocks[5], 2 * reduction, 4 * reduction, 0.5]])
    np.testing.assert_array_equal(found.keypoints, keypoints)
    np.testing.assert_allclose(moved.looks, [[2 * reduction, reduction, 4 * reduction, 6 * reduction]])
    np.testing.assert_array_equal(moved.keypoint_errors, np.full((1, 17), 1.5 * reduction, np.float32))
    back = shrink(moved, reduction)
    for name in ("keypoints", "heads", "looks", "keypoint_errors"):
        np.testing.assert_allclose(getattr(back, name), getattr(found, name), atol=1e-5)
