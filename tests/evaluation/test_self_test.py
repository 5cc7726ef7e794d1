"""The self-test of `doctor` passes here, and fails where something is wrong."""

import cv2
import numpy as np
import pytest

from nimblepose.core.errors import PoseError
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import HUMAN_18
from nimblepose.evaluation import self_test


def test_an_opencv_that_rounds_places_fails(monkeypatch):
    assert cv2.__version__ in self_test.check_opencv()
    monkeypatch.setattr(cv2, "remap", lambda *_: np.full((1, 1), 3.0))
    with pytest.raises(PoseError, match=r"3\.01 is read as 3\.00.*opencv-python-headless>=5"):
        self_test.check_opencv()


def test_the_decoder_finds_the_drawn_person():
    assert "one drawn person" in self_test.check_decoder()


def test_a_decoder_that_finds_nobody_fails(monkeypatch):
    monkeypatch.setattr(self_test, "decode", lambda *_, **__: Poses.empty(HUMAN_18))
    with pytest.raises(PoseError, match="found 0"):
        self_test.check_decoder()


def test_a_decoder_that_is_off_fails(monkeypatch):
    def decode(*arguments):
        poses = real(*arguments)
        return Poses(HUMAN_18, poses.keypoints + 2, poses.keypoint_scores, poses.scores)

    real = self_test.decode
    monkeypatch.setattr(self_test, "decode", decode)
    with pytest.raises(PoseError, match="px off"):
        self_test.check_decoder()


def test_of_other_models_it_is_not_known_who_is_there():
    assert self_test.check_runtime(lambda _: Poses.empty(HUMAN_18), packaged=False).startswith("works: 0 people")
    with pytest.raises(PoseError, match="found 0"):
        self_test.check_runtime(lambda _: Poses.empty(HUMAN_18), packaged=True)
