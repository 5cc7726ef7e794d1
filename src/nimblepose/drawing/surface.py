"""What people are drawn on: the picture, black, or black as ControlNet's networks know it."""

from typing import Literal

import numpy as np

from nimblepose.core.poses import Poses
from nimblepose.drawing.people import DrawOptions, draw_poses
from nimblepose.drawing.pose_map import draw_pose_map
from nimblepose.drawing.trails import Trails
from nimblepose.media.pictures import Picture

Surface = Literal["picture", "black", "controlnet"]


def draw_on(
    surface: Surface,
    picture: Picture,
    poses: Poses,
    options: DrawOptions,
    *,
    trails: Trails | None = None,
    pixel_aspect: float = 1.0,
) -> Picture:
    """People on a surface of the size of the picture that they were found in, (H, W, 3) uint8 RGB.

    Args:
        surface: "controlnet" has limbs, colours and widths of its own: neither options nor trails count.
        picture: (H, W, 3) uint8 RGB.
        poses: In its pixels.
        options: How to draw on the others.
        trails: As in `draw_poses`.
        pixel_aspect: As in `draw_poses`.

    Raises:
        SkeletonError: "controlnet", and a skeleton with none of OpenPose's 18 keypoints.
    """
    if surface == "controlnet":
        return draw_pose_map(poses, (picture.shape[0], picture.shape[1]))
    below = np.zeros_like(picture) if surface == "black" else picture
    return draw_poses(below, poses, options, trails=trails, pixel_aspect=pixel_aspect)
