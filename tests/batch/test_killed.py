"""kill -9 of a worker, of the driver; two drivers at once: all is done, and the files are those of the whole."""

import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from blob_scenes import draw_scene
from tests.batch.conftest import read_folder
from video_files import make_video

from nimblepose.batch.driving import Run
from nimblepose.batch.processes import Workers
from nimblepose.batch.progress import list_missing
from nimblepose.batch.stores import open_store

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
PIECES = 6


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Six seconds of larger pictures, so that a second of them takes a while."""
    pictures = [draw_scene(n, people=n % 3).repeat(3, 0).repeat(3, 1) for n in range(60)]
    options = {"x264-params": "bframes=2:keyint=8:scenecut=0"}
    return make_video(tmp_path_factory.mktemp("clip") / "clip.mp4", pictures, options=options)


@pytest.fixture
def batch(clip, tmp_path, cli):
    assert f"{PIECES} units" in cli("batch", "plan", clip, "--out", tmp_path / "batch", "--seconds", 1)[1]
    return tmp_path / "batch"


@pytest.fixture
def check(clip, batch, tmp_path, cli, inline):
    def check():
        cli("batch", "finish", batch)
        cli("track", clip, "--no-video", "--out", tmp_path / "whole")
        assert read_folder(batch / "results") == read_folder(tmp_path / "whole")

    return check


def start(batch, *options):
    command = [sys.executable, "-m", "nimblepose", "batch", "run", str(batch), *map(str, options)]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)


def count_parts(batch):
    return len(list((batch / "parts").glob("[0-9a-f]*.parquet")))


def test_workers_that_are_killed(batch, check):
    store, chance = open_store(str(batch)), np.random.default_rng(0)
    manifest, missing = list_missing(store)
    engine, killed = Workers(2), []

    def kill(outcome):
        if outcome.done in (1, 3) and outcome.done not in killed:
            killed.append(outcome.done)
            time.sleep(chance.uniform(0, 0.2))
            os.kill(engine.processes[int(chance.integers(len(engine.processes)))], signal.SIGKILL)

    try:
        outcome = Run(store, manifest.settings, engine).do(missing, len(missing), kill)
    finally:
        engine.close()
    assert killed == [1, 3]
    assert outcome.done == outcome.total >= PIECES, "more where a unit was halved"
    assert outcome.failed == {}
    check()


def test_a_driver_that_is_killed(batch, check):
    driver = start(batch, "--workers", 2)
    while not count_parts(batch):
        time.sleep(0.02)
    driver.kill()
    driver.communicate()
    assert count_parts(batch) < PIECES
    second = start(batch, "--workers", 2)
    assert second.communicate(timeout=120)[1] == ""
    assert (second.returncode, count_parts(batch)) == (0, PIECES)
    assert list((batch / "claims").iterdir()) == []
    check()


def test_two_drivers_share_the_work(batch, check):
    drivers = [start(batch, "--workers", 1) for _ in range(2)]
    said = [driver.communicate(timeout=120)[0] for driver in drivers]
    assert [driver.returncode for driver in drivers] == [0, 0]
    frames = [int(re.search(r"(\d+) frames", text)[1]) for text in said if "frames" in text]
    assert sum(frames) == 60, "each frame was looked at once"
    check()


def test_ctrl_c_ends_when_the_units_under_way_are_done(batch, check):
    driver = start(batch, "--workers", 1)
    while not count_parts(batch):
        time.sleep(0.02)
    driver.send_signal(signal.SIGINT)
    _, said = driver.communicate(timeout=120)
    assert (driver.returncode, "stopping when these are done" in said) == (130, True)
    assert 0 < count_parts(batch) < PIECES
    assert start(batch).wait(timeout=120) == 0
    check()
