"""Errors to expect are what their numbers say, of what was seen, and nothing of what was not."""

import dataclasses
import math

import numpy as np
import pytest

from nimblepose.core.errors import ModelError
from nimblepose.core.keypoint_errors import KeypointErrors, measure_size, measure_terms
from nimblepose.core.people import GroupedPeople

RNG = np.random.default_rng(2)
ERRORS = KeypointErrors(RNG.normal(size=(3, 3)), RNG.normal(size=4))
PEOPLE = GroupedPeople(
    keypoints=np.array([[[2, 3], [np.nan] * 2, [8, 11]], [[0, 0], [20, 4], [21, 20]]], np.float32),
    peak_heights=np.array([[0.5, 0, 0.2], [0.9, 0.8, 0.01]], np.float32),
    limb_scores=np.array([0.4, 0.6], np.float32),
)


def plain(kinds=3):
    """Half a cell, whatever was seen."""
    return KeypointErrors(np.tile([math.log(0.5), 0, 0], (kinds, 1)), np.zeros(4))


def test_they_are_told_by_the_peak_the_size_of_the_pose_and_the_kind():
    found = ERRORS(PEOPLE)
    assert found.dtype == np.float32
    for i, diagonal in enumerate((10, 29)):
        size, heights = math.log(diagonal) - 2.5, PEOPLE.peak_heights[i]
        mean = heights[heights > 0].mean()
        for k, height in enumerate(heights.tolist()):
            if height:
                low = math.log(max(height, 0.02))
                value = ERRORS.kinds[k] @ [1, size, low] + ERRORS.shared @ [size**2, height, height * size, mean]
                assert found[i, k] == pytest.approx(math.exp(min(max(value, -4), 4)), rel=1e-4)


def test_of_what_was_not_found_there_is_none():
    np.testing.assert_array_equal(np.isnan(ERRORS(PEOPLE)), [[False, True, False], [False] * 3])


def test_nobody_is_off_by_nothing():
    assert ERRORS(PEOPLE[np.zeros(0, int)]).shape == (0, 3)
    assert [terms.shape for terms in measure_terms(PEOPLE[np.zeros(0, int)])] == [(0, 3, 3), (0, 3, 4)]


@pytest.mark.parametrize(("scale", "size"), [(1e-6, -2), (1e6, 2)])
def test_sizes_that_nobody_has_measured_count_as_the_last_that_somebody_has(scale, size):
    own, _ = measure_terms(dataclasses.replace(PEOPLE, keypoints=PEOPLE.keypoints * np.float32(scale)))
    np.testing.assert_allclose(own[..., 1], max(size, -2))


@pytest.mark.parametrize(("constant", "error"), [(50, math.exp(4)), (-50, math.exp(-4))])
def test_no_number_of_a_stranger_makes_them_endless(constant, error):
    wild = KeypointErrors(np.tile([constant, 0.0, 0.0], (3, 1)), np.zeros(4))
    np.testing.assert_allclose(wild(PEOPLE)[1], error, rtol=1e-5)


def test_there_and_back():
    back = KeypointErrors.from_dict(ERRORS.to_dict())
    np.testing.assert_allclose(back(PEOPLE), ERRORS(PEOPLE), rtol=1e-4)
    assert back.to_dict() == ERRORS.to_dict()
    assert back.calibration is None
    assert set(ERRORS.to_dict()) == {"kinds", "shared"}  # as files of earlier versions have them
    calibrated = dataclasses.replace(ERRORS, calibration=RNG.normal(size=5))
    np.testing.assert_allclose(KeypointErrors.from_dict(calibrated.to_dict()).calibration, calibrated.calibration, 1e-4)


def test_results_say_what_was_calibrated_by_kind_and_by_size_in_the_picture():
    errors = np.array([[1, np.nan, 3], [4, 5, 6]], np.float32)
    people = 20 * PEOPLE.keypoints
    np.testing.assert_array_equal(ERRORS.calibrate(errors, people), errors)
    calibrated = dataclasses.replace(ERRORS, calibration=np.array([0.1, 0.2, -0.3, 0.5, 0.25]))
    found = calibrated.calibrate(errors, people)
    assert found.dtype == np.float32
    for i, diagonal in enumerate((200, 580)):
        size = math.log(diagonal) - 5
        factors = np.exp(np.array([0.1, 0.2, -0.3]) + 0.5 * size + 0.25 * size**2)
        np.testing.assert_allclose(found[i], errors[i] * factors, rtol=1e-3)
    assert calibrated.calibrate(errors[:0], people[:0]).shape == (0, 3)
    np.testing.assert_array_equal(calibrated(PEOPLE), ERRORS(PEOPLE))  # of a pass or look they are as they were


def test_people_larger_and_smaller_than_anybody_who_was_measured_count_as_the_last_who_was():
    np.testing.assert_allclose(measure_size(PEOPLE.keypoints * np.float32(1e5)), 2)
    np.testing.assert_allclose(measure_size(PEOPLE.keypoints * np.float32(1e-5)), -2)
    wild = dataclasses.replace(ERRORS, calibration=np.full(5, 1e5))
    assert np.isfinite(wild.calibrate(np.ones((2, 3), np.float32), 1e5 * PEOPLE.keypoints)).all()


@pytest.mark.parametrize(
    ("kinds", "shared"),
    [
        (np.zeros((3, 2)), np.zeros(4)),
        (np.zeros(3), np.zeros(4)),
        (np.zeros((3, 3)), np.zeros(3)),
        (np.full((3, 3), np.nan), np.zeros(4)),
        (np.zeros((3, 3)), np.full(4, np.inf)),
        (np.zeros((3, 3)), np.full(4, 1e7)),
    ],
)
def test_what_cannot_be_computed_with_is_refused(kinds, shared):
    with pytest.raises(ModelError, match="errors of keypoints"):
        KeypointErrors(kinds, shared)


@pytest.mark.parametrize("calibration", [np.zeros(3), np.zeros((5, 1)), np.full(5, np.nan), np.full(5, 1e7)])
def test_a_calibration_that_does_not_fit_is_refused(calibration):
    with pytest.raises(ModelError, match="errors of keypoints"):
        dataclasses.replace(ERRORS, calibration=calibration)
