"""A tiny network, videos and pictures that it understands, and a batch in this process."""

from functools import partial

import pytest
from blob_scenes import draw_scene, write_model
from command_line import run_here
from video_files import make_video

for package in ("av", "onnx", "pyarrow", "scipy"):
    pytest.importorskip(package)

from nimblepose.batch.driving import Ended, Run
from nimblepose.batch.finishing import finish_task
from nimblepose.batch.progress import list_missing
from nimblepose.batch.stores import open_store
from nimblepose.batch.work import work


@pytest.fixture(scope="session")
def model_file(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("blobs") / "blobs.onnx")


@pytest.fixture(autouse=True)
def model(model_file, monkeypatch):
    monkeypatch.setenv("NIMBLEPOSE_MODEL", str(model_file))
    return model_file


@pytest.fixture
def clip(tmp_path):
    """Six seconds with a cut in the middle, ten frames a second, with frames that depend on later ones."""
    pictures = [draw_scene(n, seed=n >= 33) for n in range(60)]
    options = {"x264-params": "bframes=3:keyint=8:scenecut=0"}
    return make_video(tmp_path / "clip.mp4", pictures, options=options)


@pytest.fixture
def cli(capfd):
    """Run `nimblepose ARGUMENTS`; returns the exit code and what was printed."""

    return partial(run_here, capfd)


class Inline:
    """An engine in this process; `hook` is called with each task, and may return what becomes of it."""

    slots = 1

    def __init__(self, hook=lambda task: None):
        self.hook, self.tasks = hook, []

    def submit(self, task):
        self.tasks.append(task)

    def wait(self):
        task = self.tasks.pop(0)
        return self.hook(task) or Ended(task["id"], work(task) if "unit" in task else finish_task(task))

    def close(self, *, at_once=False):
        pass


@pytest.fixture
def inline(monkeypatch):
    """Commands of a batch start no processes; returns the engine's class."""
    import nimblepose.batch.processes

    monkeypatch.setattr(nimblepose.batch.processes, "Workers", lambda count: Inline())
    return Inline


def do(batch, hook=lambda task: None, **options):
    """Run what is missing of a batch in this process; returns the outcome."""
    store = open_store(str(batch))
    manifest, missing = list_missing(store)
    return Run(store, manifest.settings, Inline(hook), **options).do(missing, len(missing), lambda outcome: None)


def read_folder(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
