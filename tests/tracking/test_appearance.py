"""Colours are looked up along limbs, where the person is, and nowhere else."""

import numpy as np
import pytest
from tests.tracking.conftest import poses, standing

from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import HUMAN_18, Skeleton
from nimblepose.tracking.appearance import add_colours

CROSS = Skeleton("cross", ("left", "right", "top", "bottom"), (("left", "right"), ("top", "bottom"), ("left", "top")))
FACE = Skeleton("face", ("nose", "neck"), (("nose", "neck"),))


@pytest.fixture
def picture():
    """Red rows in the upper half, blue ones below; the left tenth is green."""
    picture = np.zeros((100, 200, 3), np.uint8)
    picture[:50], picture[50:] = (200, 0, 0), (0, 0, 100)
    picture[:, :20] = (0, 250, 0)
    return picture


def test_the_mean_along_each_limb(picture):
    people = poses(
        [[[30, 20], [180, 20], [100, 0], [100, 98]], [[0, 80], [19, 80], [np.nan, np.nan], [100, 99]]], skeleton=CROSS
    )
    seen = add_colours(people, picture)
    assert seen.limb_colours.dtype == np.float32
    np.testing.assert_allclose(seen.limb_colours[0, 0], (200, 0, 0))
    np.testing.assert_allclose(seen.limb_colours[0, 1], (120, 0, 40))  # three of five places are above the middle
    np.testing.assert_allclose(seen.limb_colours[1, 0], (0, 250, 0))
    assert np.isnan(seen.limb_colours[1, 1:]).all()
    np.testing.assert_array_equal(seen.keypoints, people.keypoints)


def test_colours_are_read_at_five_places_and_at_the_nearest_pixel():
    """A fifth of the way from each end, where joints are that others share, nothing is read; the rest evenly."""
    y, x = np.mgrid[:101, :101]
    picture = np.stack([x**2 / 100, y, (x + y) % 7], axis=-1).astype(np.uint8)
    seen = add_colours(poses([[[0, 10.4], [100, 10.4], [30.4, 0], [30.4, 100]]], skeleton=CROSS), picture)
    places = np.array([20, 35, 50, 65, 80])
    np.testing.assert_allclose(seen.limb_colours[0, 0], picture[10, places].mean(axis=0))
    np.testing.assert_allclose(seen.limb_colours[0, 1], picture[places, 30].mean(axis=0))


def test_at_the_border_the_last_pixel_is_read():
    picture = np.zeros((30, 40, 3), np.uint8)
    picture[:, 0], picture[:, -1] = 100, 200
    picture[0, 1:-1], picture[-1, 1:-1] = 50, 60
    corners = [[-9, 0], [-9, 29], [60, 0], [60, 29]], [[1, -5], [20, -5], [1, 40], [20, 40]]
    seen = add_colours(poses(corners, skeleton=CROSS), picture)
    np.testing.assert_array_equal(seen.limb_colours[:, :2, 0], [[100, 200], [50, 60]])


def test_who_reaches_out_of_the_picture_has_the_colours_of_its_edge(picture):
    seen = add_colours(poses([[[-900, -50], [-800, -50], [500, 400], [900, 400]]], skeleton=CROSS), picture)
    np.testing.assert_allclose(seen.limb_colours[0, :2], [(0, 250, 0), (0, 0, 100)])


def test_nobody_and_people_of_whom_nothing_was_found(picture):
    assert add_colours(Poses.empty(HUMAN_18), picture).limb_colours.shape == (0, 19, 3)
    assert np.isnan(add_colours(poses([np.full((18, 2), np.nan)]), picture).limb_colours).all()


def test_a_part_of_a_larger_array_is_looked_at_as_it_is(picture):
    people = poses([standing((100, 90), height=80)])
    wide = np.concatenate([picture, 255 - picture], axis=1)
    np.testing.assert_array_equal(
        add_colours(people, wide[:, :200]).limb_colours, add_colours(people, picture).limb_colours
    )


def test_colours_go_with_the_people(picture):
    people = add_colours(poses([standing((50, 90), height=80), standing((150, 90), height=40)]), picture)
    np.testing.assert_array_equal(people[[1]].limb_colours, people.limb_colours[1:])
    assert people.to_skeleton(FACE).limb_colours is None
    with pytest.raises(ValueError, match=r"limb_colours \(1, 19, 3\)"):
        Poses(
            HUMAN_18,
            *(getattr(people[[0]], n) for n in ("keypoints", "keypoint_scores", "scores")),
            None,
            None,
            np.zeros((1, 2, 3), np.float32),
        )
