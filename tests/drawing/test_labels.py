"""What is written about people can be read, in small pictures too, and covers no head."""

import numpy as np
import pytest

from nimblepose import HUMAN_18, DrawOptions, Poses, draw_poses
from nimblepose.core.heads import find_heads
from nimblepose.core.palette import choose_person_colour
from nimblepose.drawing.labels import draw_label, measure_bodies

SIZE = (240, 320)


def make(x, y, height):
    """Somebody seen from the front, with the middle of the face at x, y."""
    places = {"nose": (0, 0), "right_eye": (-0.03, -0.03), "left_eye": (0.03, -0.03), "right_ear": (-0.07, -0.01),
              "left_ear": (0.07, -0.01), "neck": (0, 0.13), "right_shoulder": (-0.12, 0.14),
              "left_shoulder": (0.12, 0.14),
              "right_hip": (-0.08, 0.45), "left_hip": (0.08, 0.45), "right_ankle": (-0.08, 0.9)}  # fmt: skip
    keypoints = np.full((1, 18, 2), np.nan, np.float32)
    for name, place in places.items():
        keypoints[0, HUMAN_18.keypoints.index(name)] = np.multiply(place, height) + np.array([x, y])
    scores = (~np.isnan(keypoints[..., 0])).astype(np.float32)
    return Poses(HUMAN_18, keypoints, scores, np.float32([0.87]), np.array([3]))


def find_changes(poses, **options):
    canvas = np.full((*SIZE, 3), 127, np.uint8)
    drawn = draw_poses(canvas, poses, DrawOptions(show_skeletons=False, **options))
    return drawn, (drawn != canvas).any(axis=-1)


@pytest.mark.parametrize(("x", "y", "height"), [(160, 80, 120), (100, 120, 60), (160, 20, 150), (3, 60, 100)])
def test_neither_label_nor_box_covers_a_head(x, y, height):
    poses = make(x, y, height)
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    ((head_x, head_y, half_width, half_height, _),) = find_heads(poses)
    head = ((columns - head_x) / half_width) ** 2 + ((rows - head_y) / half_height) ** 2 < 0.75
    for options in ({"show_ids": True, "show_scores": True}, {"show_boxes": True}):
        _, changed = find_changes(poses, **options)
        assert changed.any()
        assert not (changed & head).any()


def test_a_body_is_as_large_as_keypoints_and_head():
    poses = make(160, 80, 120)
    ((x, y, width, height),) = measure_bodies(poses)
    ((_, head_y, _, half_height, _),) = find_heads(poses)
    assert y == pytest.approx(head_y - half_height)
    assert y + height == pytest.approx(poses.boxes[0, 1] + poses.boxes[0, 3])
    assert x <= poses.boxes[0, 0]
    assert x + width >= poses.boxes[0, 0] + poses.boxes[0, 2]
    poses.keypoints[:] = np.nan
    assert np.isnan(measure_bodies(poses)).all()


def test_identity_and_score_stand_in_fields_of_their_own():
    drawn, changed = find_changes(make(160, 120, 60), show_ids=True, show_scores=True)
    own = (drawn == choose_person_colour(3)).all(axis=-1)
    dark = (drawn == (20, 20, 20)).all(axis=-1)
    assert own.any()
    assert dark.any()
    assert np.flatnonzero(own.any(axis=0)).max() < np.flatnonzero(dark.any(axis=0)).min()
    rows = np.flatnonzero(changed.any(axis=1))
    assert np.ptp(rows) >= 12, "large enough to be read in a picture of 240 pixels"


@pytest.mark.parametrize("box", [(-50, -50, 20, 20), (310, 230, 40, 40), (0, 0, 320, 240), (100, 5, 20, 400)])
def test_a_label_lies_inside_the_picture(box):
    canvas = np.full((*SIZE, 3), 127, np.uint8)
    draw_label(canvas, [("#3", None), ("0.87", (255, 0, 0))], np.float32(box))
    assert (canvas == (255, 0, 0)).all(axis=-1).sum() > 100
    before = canvas.copy()
    draw_label(canvas, [("#3", None)], np.full(4, np.nan, np.float32))
    np.testing.assert_array_equal(canvas, before)
