"""Threads that ask one estimator at the same time do not see each other's pictures."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import nimblepose.runtime.opened as opened_module
from nimblepose.codec.options import DecodeOptions
from nimblepose.core.errors import OptionError
from nimblepose.media.pictures import read_picture
from nimblepose.runtime.estimator import PoseEstimator
from nimblepose.runtime.protocols import Fields

PEOPLE = Path(__file__).resolve().parents[2] / "examples/people.jpg"


class Meeting:
    """Lets all callers hand over their pictures before it looks at any; answers with what each has handed over."""

    def __init__(self, metadata, callers):
        self.metadata, self.callers, self.together = metadata, callers, threading.Barrier(callers, timeout=10)

    def run(self, image):
        self.together.wait()
        shade = image.mean(axis=(1, 2, 3)).reshape(-1, 1, 1, 1)
        self.together.wait()
        return Fields(np.tile(shade, (1, 4, 8, 16)), np.zeros((len(image), 4, 8, 16), np.float32))


def test_each_thread_has_its_own_input(dots_model):
    estimator = PoseEstimator(dots_model, input_height=64)
    meeting = Meeting(estimator.metadata, callers=3)
    pictures = [np.full((64, 128, 3), shade, np.uint8) for shade in (0, 100, 200)]

    def ask(picture):
        shades = []
        for _ in range(2):  # the second time the memory of the first is used again
            fields = estimator.compute_fields([picture], estimator.place(picture), meeting)
            shades.append(float(fields.heatmaps[0, 0, 0, 0]))
        return shades

    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(ask, pictures))
    expected = [(shade - 128) / 256 for shade in (0, 100, 200)]
    np.testing.assert_allclose(found, [[value, value] for value in expected], atol=1e-6)


def test_callers_in_many_threads_share_one_model_and_find_what_one_finds(monkeypatch):
    opened = []
    real = opened_module.open_backend
    monkeypatch.setattr(opened_module, "open_backend", lambda *a, **k: opened.append(k) or real(*a, **k))
    estimator = PoseEstimator(threads=2, streaming=True)
    people = read_picture(PEOPLE)
    pictures = [people, people[:, ::-1], people[:300]] * 2
    alone = [estimator.for_threads()(np.ascontiguousarray(picture)) for picture in pictures]
    with ThreadPoolExecutor(estimator.threads) as pool:
        together = list(pool.map(estimator.for_threads(), map(np.ascontiguousarray, pictures)))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one.keypoints, other.keypoints)
    assert [options["parallel"] for options in opened] == [2], "one thread per picture, and opened once"


def test_other_qualities_and_scores_are_those_of_estimators_of_their_own():
    shared = PoseEstimator(threads=2, streaming=True)
    for options in ({"quality": "fast"}, {"quality": "fast", "min_pose_score": 0.1}, {"min_pose_score": 0.9}, {}):
        own = dict(options)
        if "min_pose_score" in own:
            own["decode"] = DecodeOptions(min_pose_score=own.pop("min_pose_score"))
        found, expected = shared.for_threads(**options)(PEOPLE), PoseEstimator(threads=1, **own)(PEOPLE)
        np.testing.assert_array_equal(found.scores, expected.scores)
    frames = shared.for_threads().for_frames()
    assert (frames.quality, frames.attention, frames.decode_options) == (None, None, DecodeOptions())
    assert shared.for_threads(quality="fast").for_frames().attention is not None
    with pytest.raises(OptionError, match="balanced"):
        shared.for_threads(quality="super")
