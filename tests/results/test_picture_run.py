"""A run over pictures: side by side, and yet as if it were one after the other."""

import json
import threading

import numpy as np
import pytest
from PIL import Image

from nimblepose.core.errors import MediaError
from nimblepose.core.files import write_atomically
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import COCO_17
from nimblepose.results.picture_run import PictureRun
from nimblepose.results.picture_sink import PictureSink, SinkOptions
from nimblepose.runtime.streaming import map_in_order

LIMIT = 20  # seconds for what happens at once


class Finder:
    """Finds one person per picture, whose first keypoint lies at its gray value; `hook` is called with that before."""

    def __init__(self, workers=3, hook=lambda gray: None):
        self.workers, self.hook, self.alone = workers, hook, 0

    def estimate(self, picture):
        self.alone += 1
        return self._find(picture)

    def map(self, work, items):
        yield from map_in_order(lambda item: work(item, self._find), items, workers=self.workers)

    def _find(self, picture):
        gray = int(picture[0, 0, 0])
        self.hook(gray)
        keypoints = np.full((1, 17, 2), gray, np.float32)
        return Poses(COCO_17, keypoints, np.full((1, 17), 0.5, np.float32), np.full(1, 0.5, np.float32))


@pytest.fixture
def files(tmp_path):
    """Twelve pictures of 8 x 6, each of its own gray."""
    paths = [tmp_path / f"{gray:02}.png" for gray in range(12)]
    for gray, path in enumerate(paths):
        Image.new("RGB", (8, 6), (gray, gray, gray)).save(path)
    return [str(path) for path in paths]


def make_run(estimator, files, out, **options):
    return PictureRun(estimator, files, PictureSink(files, SinkOptions(out=out), model="m"), **options)


def find_grays(out):
    """Gray values by which the people of the written results tell their pictures."""
    pictures = json.loads((out / "poses.json").read_text())["pictures"]
    return [round(picture["people"][0]["keypoints"][0]["x"]) for picture in pictures]  # of the nose


def test_whoever_is_done_first_results_come_in_the_order_of_the_sources(files, tmp_path):
    second_is_done = threading.Event()

    def hook(gray):
        if gray == 0:
            assert second_is_done.wait(LIMIT)
        if gray == 1:
            second_is_done.set()

    (tmp_path / "out").mkdir()
    run = make_run(Finder(hook=hook), files, tmp_path / "out")
    outcomes = list(run)
    run.finish()
    assert [outcome.source for outcome in outcomes] == files
    assert [outcome.written[0].name for outcome in outcomes] == [f"{gray:02}.poses.png" for gray in range(12)]
    assert find_grays(tmp_path / "out") == list(range(12))


def test_drawing_is_done_beside_the_network_too(files, tmp_path, monkeypatch):
    """Two pictures that are drawn at the same time; one after the other they would wait forever."""
    both = threading.Barrier(2, timeout=LIMIT)

    def draw(picture, *_, **__):
        both.wait()
        return picture

    monkeypatch.setattr("nimblepose.drawing.surface.draw_poses", draw)
    assert all(outcome.failure is None for outcome in make_run(Finder(workers=2), files, tmp_path))


def test_what_fails_costs_no_other_and_no_name(files, tmp_path):
    def hook(gray):
        if gray == 5:
            raise ZeroDivisionError("by zero")

    (tmp_path / "sub").mkdir()
    (tmp_path / "out").mkdir()
    Image.new("RGB", (8, 6), (99, 99, 99)).save(tmp_path / "sub/05.png")
    sources = [*files[:6], str(tmp_path / "sub/05.png"), "missing.png"]
    run = make_run(Finder(hook=hook), sources, tmp_path / "out")
    outcomes = list(run)
    run.finish()
    assert [outcome.source for outcome in outcomes if outcome.failure] == [files[5], "missing.png"]
    assert "05.png: unexpected ZeroDivisionError" in outcomes[5].failure
    assert outcomes[6].written == [tmp_path / "out/sub/05.poses.png"]
    assert find_grays(tmp_path / "out") == [0, 1, 2, 3, 4, 99]


def test_a_picture_that_cannot_be_written_costs_no_other(files, tmp_path, monkeypatch):
    def write(path, data):
        if path.name == "01.poses.png":
            raise MediaError("disk full")
        write_atomically(path, data)

    monkeypatch.setattr("nimblepose.results.picture_sink.write_atomically", write)
    outcomes = list(make_run(Finder(), files[:3], tmp_path))
    assert [outcome.failure for outcome in outcomes] == [None, "disk full", None]
    assert [path.name for outcome in outcomes for path in outcome.written] == ["00.poses.png", "02.poses.png"]


def test_the_only_picture_has_all_cores(files, tmp_path):
    estimator = Finder()
    estimator.map = None
    run = make_run(estimator, files[:1], tmp_path)
    assert [outcome.people for outcome in run] == [1]
    assert estimator.alone == 1


def test_stopped_it_takes_no_further_picture_and_writes_about_all_that_were_taken(files, tmp_path):
    seen = []
    (tmp_path / "out").mkdir()
    run = make_run(Finder(workers=2, hook=seen.append), files, tmp_path / "out")
    outcomes = []
    for outcome in run:
        outcomes.append(outcome)
        if len(outcomes) == 2:
            run.stop()
    run.finish()
    assert run.stopped
    assert 2 <= len(outcomes) <= 5
    assert find_grays(tmp_path / "out") == list(range(len(outcomes))) == sorted(seen)


@pytest.mark.parametrize("many_bytes", [False, True], ids=["pixels", "bytes"])
def test_large_pictures_are_held_one_at_a_time(files, tmp_path, monkeypatch, many_bytes):
    inside, most, lock = 0, 0, threading.Lock()

    def hook(gray):
        nonlocal inside, most
        with lock:
            inside, most = inside + 1, max(most, inside + 1)
        threading.Event().wait(0.005)
        with lock:
            inside -= 1

    if many_bytes:
        monkeypatch.setattr("nimblepose.results.picture_run._LARGE_FILE", 10)
    limit = 10_000 if many_bytes else 8 * 6 + 1
    outcomes = list(make_run(Finder(workers=4, hook=hook), files, tmp_path, max_pixels=limit))
    assert all(outcome.failure is None for outcome in outcomes)
    assert most == 1


def test_small_pictures_are_held_side_by_side(files, tmp_path):
    both = threading.Barrier(2, timeout=LIMIT)
    outcomes = list(make_run(Finder(workers=2, hook=lambda _: both.wait()), files, tmp_path, max_pixels=2 * 8 * 6))
    assert all(outcome.failure is None for outcome in outcomes)
