"""People on black, as ControlNet's networks for poses were taught to see them.

The rule, as published with ControlNet 1.1 (arXiv:2302.05543): OpenPose's 18 keypoints; 17 limbs, in the order below,
each a filled ellipse of half width 4 along the line between its keypoints, in 0.6 of its colour; then a disc of radius
4 on each keypoint, in its full colour. Limb i and keypoint i have colour i of 18, which go around the wheel from red.
Pictures had 512 pixels on their smaller side: in other sizes all is as large in proportion.
"""

import cv2
import numpy as np

from nimblepose.core.controlnet import to_openpose_order
from nimblepose.core.geometry import Size
from nimblepose.core.palette import Colour
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import HUMAN_18
from nimblepose.media.pictures import Picture

_LIMBS = (
    ("neck", "right_shoulder"), ("neck", "left_shoulder"), ("right_shoulder", "right_elbow"),
    ("right_elbow", "right_wrist"), ("left_shoulder", "left_elbow"), ("left_elbow", "left_wrist"),
    ("neck", "right_hip"), ("right_hip", "right_knee"), ("right_knee", "right_ankle"), ("neck", "left_hip"),
    ("left_hip", "left_knee"), ("left_knee", "left_ankle"), ("neck", "nose"), ("nose", "right_eye"),
    ("right_eye", "right_ear"), ("nose", "left_eye"), ("left_eye", "left_ear"),
)  # fmt: skip
_TAUGHT_AT = 512  # pixels, of the smaller side
_HALF_WIDTH = 4
_SHADE = 0.6  # of a limb's colour


def list_colours() -> list[Colour]:
    """The 18 colours: six steps from each primary to the next, over the secondary between them.

    >>> list_colours()[:4], list_colours()[17]
    ([(255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0)], (255, 0, 85))
    """
    colours: list[Colour] = []
    for step in range(6):
        up, down = 255 * (step % 3) // 3, 255 - 255 * (step % 3) // 3
        colours += [(255, up, 0)] if step < 3 else [(down, 255, 0)]
    turned = [(blue, red, green) for red, green, blue in colours]
    return colours + turned + [(blue, red, green) for red, green, blue in turned]


def draw_pose_map(poses: Poses, size: Size) -> Picture:
    """People on black as ControlNet's networks were taught, (H, W, 3) uint8 RGB.

    Args:
        poses: People in pixels of a picture; a neck that their skeleton lacks lies between the shoulders.
        size: (height, width) of that picture.

    Raises:
        SkeletonError: the skeleton has none of OpenPose's 18 keypoints.
    """
    canvas = np.zeros((*size, 3), np.uint8)
    people = to_openpose_order(poses)
    colours = list_colours()
    half_width = max(1, round(_HALF_WIDTH * min(size) / _TAUGHT_AT))
    limbs = [tuple(HUMAN_18.keypoints.index(name) for name in limb) for limb in _LIMBS]
    for keypoints, found in zip(people.keypoints, people.found, strict=True):
        for (a, b), colour in zip(limbs, colours, strict=False):
            if not (found[a] and found[b]):
                continue
            (x1, y1), (x2, y2) = keypoints[[a, b]].astype(float).tolist()
            centre = int((x1 + x2) / 2), int((y1 + y2) / 2)
            axes = int(np.hypot(x2 - x1, y2 - y1) / 2), half_width
            angle = int(np.degrees(np.arctan2(y1 - y2, x1 - x2)))
            outline = cv2.ellipse2Poly(centre, axes, angle, 0, 360, 1)
            cv2.fillConvexPoly(canvas, np.array(outline), [int(_SHADE * value) for value in colour])
    for keypoints, found in zip(people.keypoints, people.found, strict=True):
        for k in np.flatnonzero(found).tolist():
            centre = int(keypoints[k, 0]), int(keypoints[k, 1])
            cv2.circle(canvas, centre, half_width, colours[k], cv2.FILLED)
    return canvas
