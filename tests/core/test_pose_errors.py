"""Errors to expect travel with the keypoints that they are of."""

import dataclasses
import json
import pickle

import numpy as np
import pytest

from nimblepose import Poses, Skeleton

STICK = Skeleton("stick", ("head", "tail"), (("head", "tail"),))


@pytest.fixture
def stick():
    """Two sticks: one whole, with an identity, one without its tail."""
    keypoints = np.array([[[10, 20], [30, 60]], [[5.25, 6], [np.nan, np.nan]]], np.float32)
    scores = np.array([[0.5, 0.75], [0.25, 0]], np.float32)
    return Poses(STICK, keypoints, scores, np.array([0.9, 0.4], np.float32), np.array([7, 3]))


@pytest.fixture
def measured(stick):
    """Of a stick's two people, the first one's tail and the second one's head."""
    return dataclasses.replace(stick, keypoint_errors=np.array([[np.nan, 2.256], [0.5, np.nan]], np.float32))


def test_errors_stand_in_rows_and_plain_data_where_they_are_known(measured, stick):
    people = measured.to_dict()["people"]
    assert [[point["error"] for point in p["keypoints"]] for p in people] == [[None, 2.26], [0.5]]
    assert [row[-1] for row in measured.to_rows()] == pytest.approx([np.nan, 2.256, 0.5], nan_ok=True)
    assert all(np.isnan(row[-1]) for row in stick.to_rows())
    assert "error" not in stick.to_dict()["people"][0]["keypoints"][0]
    json.dumps(measured.to_dict(), allow_nan=False)


def test_errors_follow_choices_skeletons_and_pickles(measured, stick):
    np.testing.assert_array_equal(measured[1:].keypoint_errors, [[0.5, np.nan]])
    np.testing.assert_array_equal(measured[1].keypoint_errors, np.float32([0.5, np.nan]))
    assert stick[1].keypoint_errors is stick[1:].keypoint_errors is None
    larger = Skeleton("larger", ("tail", "wing", "head"), (("head", "tail"), ("tail", "wing")))
    np.testing.assert_array_equal(
        measured.to_skeleton(larger).keypoint_errors, np.float32([[2.256, np.nan, np.nan], [np.nan, np.nan, 0.5]])
    )
    assert stick.to_skeleton(larger).keypoint_errors is None
    back = pickle.loads(pickle.dumps(measured))  # noqa: S301 - our own
    np.testing.assert_array_equal(back.keypoint_errors, measured.keypoint_errors)
