"""Pose on black is, pixel by pixel, what the published rule says."""

import numpy as np
import pytest

from nimblepose import COCO_17, HUMAN_18, Poses, draw_pose_map
from nimblepose.drawing.pose_map import list_colours

PLACES = {  # of a person who stands in a picture of 512 x 512 and looks at us
    "nose": (256, 100), "neck": (256, 160), "right_shoulder": (200, 160), "right_elbow": (180, 230),
    "right_wrist": (170, 300), "left_shoulder": (312, 160), "left_elbow": (332, 230), "left_wrist": (342, 300),
    "right_hip": (225, 300), "right_knee": (220, 390), "right_ankle": (215, 480), "left_hip": (287, 300),
    "left_knee": (292, 390), "left_ankle": (297, 480), "right_eye": (240, 85), "left_eye": (272, 85),
    "right_ear": (215, 95), "left_ear": (297, 95),
}  # fmt: skip
WHEEL = [  # as published: red to yellow to green to cyan to blue to magenta, and back
    (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0), (0, 255, 0), (0, 255, 85),
    (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255), (0, 0, 255), (85, 0, 255), (170, 0, 255), (255, 0, 255),
    (255, 0, 170), (255, 0, 85),
]  # fmt: skip
LIMBS = [(2, 3), (2, 6), (3, 4), (4, 5), (6, 7), (7, 8), (2, 9), (9, 10), (10, 11), (2, 12), (12, 13), (13, 14), (2, 1),
         (1, 15), (15, 17), (1, 16), (16, 18)]  # fmt: skip # as published, in OpenPose's order counted from 1


def make(skeleton=HUMAN_18, missing=(), scale=1.0):
    keypoints = np.float32([[PLACES[name] for name in skeleton.keypoints]]) * scale
    keypoints[0, [skeleton.keypoints.index(name) for name in missing]] = np.nan
    return Poses(skeleton, keypoints, np.ones(keypoints.shape[:2], np.float32), np.ones(1, np.float32))


def expect(poses):
    """The rule by distances: which colour every pixel must have, and -1 within a pixel of an edge."""
    rows, columns = np.mgrid[:512, :512].astype(float)
    expected, margin = np.zeros((512, 512, 3), int), np.full((512, 512), np.inf)
    points = poses.keypoints[0].astype(float)
    for (a, b), colour in zip(LIMBS, WHEEL, strict=False):
        (x1, y1), (x2, y2) = points[[a - 1, b - 1]]
        if np.isnan([x1, x2]).any():
            continue
        half = np.hypot(x2 - x1, y2 - y1) / 2
        along = ((columns - (x1 + x2) / 2) * (x2 - x1) + (rows - (y1 + y2) / 2) * (y2 - y1)) / (2 * half)
        across = ((columns - (x1 + x2) / 2) * (y2 - y1) - (rows - (y1 + y2) / 2) * (x2 - x1)) / (2 * half)
        inside = (along / half) ** 2 + (across / 4) ** 2
        expected[inside <= 1] = [int(0.6 * value) for value in colour]
        margin = np.minimum(margin, np.where(np.abs(along) < half + 4, np.abs(np.sqrt(inside) - 1) * 4, np.inf))
    for place, colour in zip(points, WHEEL, strict=True):
        if not np.isnan(place[0]):
            distance = np.hypot(columns - place[0], rows - place[1])
            expected[distance <= 4] = colour
            margin = np.minimum(margin, np.abs(distance - 4))
    expected[margin < 2] = -1
    return expected


@pytest.mark.parametrize("missing", [(), ("right_wrist", "nose")], ids=["whole", "parts"])
def test_every_pixel_has_the_colour_that_the_rule_gives_it(missing):
    poses = make(missing=missing)
    drawn, expected = draw_pose_map(poses, (512, 512)), expect(poses)
    sure = expected[..., 0] >= 0
    np.testing.assert_array_equal(drawn[sure], expected[sure])
    assert sure.mean() > 0.9
    assert len(np.unique(expected[sure], axis=0)) > 12, "limbs and keypoints are told apart"


def test_colours_are_the_published_ones():
    assert list_colours() == WHEEL


def test_limbs_from_ears_to_shoulders_are_not_drawn():
    drawn = draw_pose_map(make(), (512, 512))
    for side in ("left", "right"):
        middle = np.add(PLACES[f"{side}_ear"], PLACES[f"{side}_shoulder"]) // 2
        assert not drawn[middle[1], middle[0]].any()


def test_a_neck_lies_between_the_shoulders_of_those_who_have_none():
    np.testing.assert_array_equal(draw_pose_map(make(COCO_17), (512, 512)), draw_pose_map(make(), (512, 512)))


def test_other_sizes_look_the_same_in_proportion():
    half = draw_pose_map(make(scale=0.5), (256, 256)).any(axis=-1).mean()
    assert half == pytest.approx(draw_pose_map(make(), (512, 512)).any(axis=-1).mean(), rel=0.15)
    assert not draw_pose_map(Poses.empty(HUMAN_18), (4, 6)).any()
