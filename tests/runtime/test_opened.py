"""An estimator may be copied and sent to another process, which opens the model itself."""

import copy
import multiprocessing
import os
import pickle
import shutil
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

from nimblepose import DecodeOptions, PoseEstimator
from nimblepose.runtime.models import PACKAGED

PICTURE = np.zeros((64, 128, 3), np.uint8)


@pytest.fixture
def estimator(dots_model):
    return PoseEstimator(dots_model, input_height=64, threads=2, decode=DecodeOptions(max_poses=1))


def check(other, estimator):
    np.testing.assert_array_equal(other(PICTURE).keypoints, estimator(PICTURE).keypoints)
    np.testing.assert_array_equal(next(iter(other.stream([PICTURE]))).keypoints, estimator(PICTURE).keypoints)


def test_a_pickled_estimator_opens_the_model_when_it_is_asked(estimator):
    list(estimator.stream([PICTURE]))
    other = pickle.loads(pickle.dumps(estimator))  # noqa: S301 - our own
    assert other._opened.opened == {}
    assert (other.skeleton, other.decode_options.max_poses, other.input_height) == (estimator.skeleton, 1, 64)
    check(other, estimator)


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy], ids=["copy", "deepcopy"])
def test_a_copy_shares_what_is_open(estimator, make):
    other = make(estimator)
    assert other.backend is estimator.backend
    check(other, estimator)


@pytest.mark.parametrize("quality", ["fast", None])
def test_what_looks_at_frames_is_an_estimator_too(quality):
    frames = PoseEstimator(quality=quality).for_frames()
    other = pickle.loads(pickle.dumps(frames))  # noqa: S301
    assert other.attention == frames.attention
    assert other.for_frames().attention == frames.attention


def test_the_other_side_may_work_in_another_folder(dots_model, tmp_path, monkeypatch):
    shutil.copy(dots_model, tmp_path / "dots.onnx")
    monkeypatch.chdir(tmp_path)
    sent = pickle.dumps(PoseEstimator("dots.onnx", input_height=64))
    monkeypatch.chdir(tmp_path.parent)
    assert len(pickle.loads(sent)(PICTURE)) == 1  # noqa: S301


def test_a_model_that_was_asked_for_by_name_may_lie_elsewhere_there(tmp_path, monkeypatch):
    estimator = PoseEstimator("human", input_height=64)
    estimator._opened._path = tmp_path / "of another machine" / "human.onnx"
    other = pickle.loads(pickle.dumps(estimator))  # noqa: S301
    assert other.backend.metadata.skeleton == estimator.skeleton
    assert PACKAGED["human"].path.is_file()


def test_processes_that_are_spawned_take_it_as_an_argument(estimator):
    list(estimator.stream([PICTURE]))
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = pool.submit(estimator, [PICTURE] * 2).result(timeout=170)
        assert pool.submit(os.getpid).result(timeout=170) != os.getpid()
    for poses in found:
        np.testing.assert_array_equal(poses.keypoints, estimator(PICTURE).keypoints)
