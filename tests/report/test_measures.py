"""Speeds, angles and tilts follow from places, for any skeleton."""

import numpy as np
import pytest

from nimblepose.core.skeleton import BUILT_IN, HUMAN_18, Skeleton
from nimblepose.report.measures import Measures, compute_angles, compute_speeds, compute_tilts, find_hub

STAR = Skeleton("star", ("hub", "a", "b", "c", "d", "e"), tuple(("hub", arm) for arm in "abcde"))


@pytest.mark.parametrize("skeleton", [*BUILT_IN.values(), STAR], ids=lambda skeleton: skeleton.name)
def test_there_are_as_many_values_as_measures(skeleton):
    keypoints = np.random.default_rng(0).uniform(0, 99, (3, len(skeleton.keypoints), 2))
    measures = Measures(skeleton)
    values = measures.compute(keypoints, keypoints - 3, np.full(3, 0.5))
    assert values.shape == (3, len(measures.listed))
    for column, measure in enumerate(measures.listed):
        own = keypoints[:, list(measure.keypoints)]
        expected = {
            "speed": lambda own=own: np.full(3, np.hypot(3, 3) / 0.5),
            "angle": lambda own=own: compute_angles(own, [(0, 1, 2)])[:, 0],
            "tilt": lambda own=own: compute_tilts(own, np.array([[0, 1]]))[:, 0],
        }[measure.kind]()
        np.testing.assert_allclose(values[:, column], expected)


def test_elbows_and_knees_are_among_the_angles_and_a_joint_of_many_limbs_is_not():
    names = [measure.name for measure in Measures(HUMAN_18).listed if measure.kind == "angle"]
    assert "left elbow (left shoulder to left wrist)" in names
    assert not [name for name in names if name.startswith("neck ")]
    assert "angle" not in {measure.kind for measure in Measures(STAR).listed}


def test_angles_do_not_change_when_everybody_turns_grows_and_moves():
    points = np.random.default_rng(1).uniform(0, 9, (20, 3, 2))
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    np.testing.assert_allclose(
        compute_angles(points @ turn.T * 7 + 30, [(0, 1, 2)]), compute_angles(points, [(0, 1, 2)])
    )


@pytest.mark.parametrize("other", [(5.0, 0.0), (-5.0, 0.0)], ids=["folded", "straight"])
def test_arms_in_line_are_0_or_180(other):
    angle = compute_angles(np.array([[[3.0, 0.0], [0.0, 0.0], other]]), [(0, 1, 2)])
    assert angle == (0 if other[0] > 0 else 180)


def test_what_is_missing_has_no_value():
    nan = np.array([[[np.nan, np.nan], [0.0, 0.0], [1.0, 1.0]]])
    assert np.isnan(compute_angles(nan, [(0, 1, 2)])).all()
    assert np.isnan(compute_tilts(nan, np.array([[0, 1]]))).all()
    np.testing.assert_array_equal(np.isnan(compute_speeds(nan, nan, np.ones(1))), [[True, False, False]])
    same = np.zeros((1, 3, 2))
    assert np.isnan(compute_angles(same, [(0, 1, 2)])).all()
    assert np.isnan(compute_tilts(same, np.array([[0, 1]]))).all()


def test_the_hub_is_where_most_limbs_meet():
    assert HUMAN_18.keypoints[find_hub(HUMAN_18)] == "neck"
    assert find_hub(STAR) == 0
