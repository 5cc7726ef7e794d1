"""Pictures that were read smaller than they are, and what is found in them."""

import dataclasses
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.geometry import Size, rescale
from nimblepose.core.heads import move_heads
from nimblepose.core.poses import Poses


class Reduced(NamedTuple):
    """A picture of which each pixel is the mean of `reduction` x `reduction` pixels of its file; 1: it is as it is."""

    picture: NDArray[np.uint8]  # (H, W, 3) RGB, upright
    size: Size  # (height, width) of the file's picture, upright
    reduction: int = 1


def enlarge(poses: Poses, reduction: int) -> Poses:
    """What was found in a reduced picture in the pixels of its file: pixel i is the middle of as many as it stands for.

    Of a turned picture whose sides are no multiples of `reduction` places are off by less than `reduction` pixels.

    >>> from nimblepose.core.skeleton import COCO_17
    >>> found = Poses(COCO_17, np.zeros((1, 17, 2), np.float32), np.ones((1, 17), np.float32), np.ones(1, np.float32))
    >>> enlarge(found, 2).keypoints[0, 0].tolist()
    [0.5, 0.5]
    """
    return _scale(poses, reduction)


def shrink(poses: Poses, reduction: int) -> Poses:
    """What was found in a picture's own pixels in those of the reduced picture; undoes `enlarge`."""
    return _scale(poses, 1 / reduction)


def _scale(poses: Poses, factor: float) -> Poses:
    """In pixels of which `factor` are as long as one of before."""
    if factor == 1:
        return poses

    def move(xy: NDArray[np.floating]) -> NDArray[np.floating]:
        return np.asarray(rescale(xy, factor), np.float32)

    return dataclasses.replace(
        poses,
        keypoints=move(poses.keypoints),
        keypoint_errors=None if poses.keypoint_errors is None else poses.keypoint_errors * np.float32(factor),
        heads=None if poses.heads is None else move_heads(poses.heads, move, factor),
        looks=None if poses.looks is None else poses.looks * np.float32(factor),  # counted from the corner
    )
