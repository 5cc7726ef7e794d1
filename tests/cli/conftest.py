"""A command line that runs in this process, and an estimator that finds people without a model."""

import sys
import types
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from command_line import run_here

from nimblepose.core.errors import MediaError
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import HUMAN_18


@dataclass
class Ran:
    code: int
    out: str
    err: str


@pytest.fixture
def cli(capfd):
    """Run `nimblepose ARGUMENTS` and return exit code and what it printed."""

    def run(*arguments):
        return Ran(*run_here(capfd, *arguments))

    return run


def one_person(picture):
    """A person as large as the picture."""
    height, width = picture.shape[:2]
    place = np.linspace(0.1, 0.9, 18, dtype=np.float32)
    keypoints = np.stack([place * width, place[::-1] * height], -1)[None]
    return Poses(HUMAN_18, keypoints, np.full((1, 18), 0.5, np.float32), np.full(1, 0.8, np.float32))


@pytest.fixture
def estimator(monkeypatch, tmp_path_factory):
    """Stands in for the estimator; `hook` is called with the number of each picture, `options` are the arguments."""

    class Estimator:
        skeleton = HUMAN_18
        model = Path("fake-model.onnx")
        options = None
        calls = 0
        hook = staticmethod(lambda number: None)

        def __init__(self, model=None, **options):
            Estimator.options = {"model": model, **options}

        def __call__(self, picture):
            Estimator.calls += 1
            Estimator.hook(Estimator.calls)
            if (picture == 13).all():
                raise MediaError("this estimator is afraid of 13")
            return one_person(picture)

        def estimate(self, picture, *, pixel_aspect=1.0):
            return self(picture)

        def for_frames(self):
            return self

        def stream(self, pictures, *, pixel_aspect=1.0):
            return map(self, pictures)

        def map(self, work, items):
            for item in items:
                yield work(item, self)

    module = types.ModuleType("nimblepose.runtime.estimator")
    module.PoseEstimator = Estimator
    monkeypatch.setitem(sys.modules, "nimblepose.runtime.estimator", module)
    model = tmp_path_factory.mktemp("model") / "fake-model.onnx"
    model.touch()
    monkeypatch.setenv("NIMBLEPOSE_MODEL", str(model))
    return Estimator
