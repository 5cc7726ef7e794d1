"""The benchmark measures what it says: counts, order and shares, never how many milliseconds."""

import dataclasses
import json
import threading
from types import SimpleNamespace

import numpy as np
import pytest

from nimblepose.core.errors import MediaError, OptionError
from nimblepose.core.files import write_atomically
from nimblepose.evaluation.benchmark import (
    STAGES,
    BenchmarkOptions,
    Timing,
    _run_parallel,
    _Watched,
    run_benchmark,
)
from nimblepose.evaluation.benchmark_pictures import load_pictures, make_noise
from nimblepose.media.encoding import encode_picture
from nimblepose.runtime.backends import open_backend
from nimblepose.runtime.estimator import PoseEstimator

OPTIONS = BenchmarkOptions(frames=6, rounds=2, warm_up=1)


@pytest.fixture
def files(tmp_path):
    paths = [tmp_path / f"{n}.png" for n in range(2)]
    for n, path in enumerate(paths):
        write_atomically(path, encode_picture(np.full((64, 128, 3), 50 * n, np.uint8), ".png"))
    return paths


@pytest.fixture
def estimator(dots_model):
    return PoseEstimator(dots_model, threads=2, input_height=64)


@pytest.fixture
def parallel(dots_model):
    return open_backend(dots_model, threads=2, parallel=2)


class Counting:
    """A backend that counts its runs and the threads they came from."""

    def __init__(self, backend):
        self.backend, self.metadata, self.callers = backend, backend.metadata, backend.callers
        self.runs, self.threads = 0, set()

    def run(self, image):
        self.runs += 1
        self.threads.add(threading.get_ident())
        return self.backend.run(image)


def test_all_stages_rates_and_people_are_there(estimator, parallel, files):
    _, pictures = load_pictures(str(files[0].parent))
    told = []
    result = run_benchmark(estimator, parallel, pictures, files=files, threads=2, options=OPTIONS, progress=told.append)
    assert tuple(result.stages) == tuple(stage for stage in STAGES if stage != "look")
    assert (result.looks, result.cost.mean) == (0, pytest.approx(64 * 128 / (368 * 736)))
    assert result.people == (1, 1, 1)
    assert (result.pictures, result.input_sizes) == (2, [(64, 128)])
    rates = (result.one_by_one_fps, result.streamed_fps, result.network_fps, result.network_parallel_fps)
    assert min(rates) > 0
    assert told == list(range(1, OPTIONS.steps + 1))
    assert json.loads(json.dumps(result.to_dict()))["options"]["frames"] == 6


def test_the_network_alone_runs_as_often_as_it_is_compared(estimator, parallel):
    estimator._opened.opened[1] = Counting(estimator.backend)
    counting = Counting(parallel)
    run_benchmark(estimator, counting, [make_noise((64, 128))], threads=2, options=OPTIONS)
    warm_up, a_round = 2, 8  # a round has at least four frames per thread
    noted = 1  # before, to know what the network is shown
    assert estimator.backend.runs == noted + warm_up + 3 * OPTIONS.frames + OPTIONS.rounds * a_round
    assert counting.runs == warm_up + OPTIONS.rounds * a_round
    assert threading.get_ident() in counting.threads  # warming up
    assert len(counting.threads) > 1  # measuring


def test_the_networks_own_best_rate_has_the_callers_that_streaming_has():
    """OpenVINO streams by one caller more than threads: fewer would make the network look slow beside it."""

    class Together:
        callers, met, done = 3, threading.Barrier(3, timeout=20), []

        def run(self, image):
            self.met.wait()  # in vain if fewer than three call
            self.done.append(image)

    backend = Together()
    _run_parallel(backend, [np.zeros((1, 3, 8, 8), np.float32)], 6)
    assert len(backend.done) == 6


def test_without_files_nothing_is_read(estimator, parallel):
    result = run_benchmark(estimator, parallel, [make_noise((64, 128))], threads=2, options=OPTIONS)
    assert tuple(result.stages) == ("prepare", "network", "decode", "draw")


def test_averaging_is_not_measured(dots_model, parallel):
    averaging = PoseEstimator(dots_model, scales=(0.5, 1.0), input_height=64)
    with pytest.raises(OptionError, match="leave out scales"):
        run_benchmark(averaging, parallel, [make_noise((64, 128))], threads=1)


def test_nothing_to_measure_with_is_said(estimator, parallel):
    with pytest.raises(OptionError, match="no pictures"):
        run_benchmark(estimator, parallel, [], threads=1)
    with pytest.raises(OptionError, match="1 or more"):
        dataclasses.replace(OPTIONS, frames=0)


@pytest.mark.parametrize("source", ["film.mp4", "rtsp://camera/1", "0"])
def test_videos_are_refused_in_words(source):
    with pytest.raises(MediaError, match="not measured yet"):
        load_pictures(source)


def test_of_many_pictures_few_are_held_evenly_spread(tmp_path):
    for n in range(70):
        write_atomically(tmp_path / f"{n:02}.png", encode_picture(np.full((2, 2, 3), n, np.uint8), ".png"))
    files, pictures = load_pictures(str(tmp_path))
    assert [int(p[0, 0, 0]) for p in pictures] == list(range(0, 70, 3))
    assert [f.stem for f in files] == [f"{n:02}" for n in range(0, 70, 3)]


def test_noting_a_batch_is_neither_preparing_nor_network(monkeypatch):
    seconds = [0]

    def take(amount):
        seconds[0] += amount

    monkeypatch.setattr("nimblepose.evaluation.benchmark.time", SimpleNamespace(perf_counter=lambda: seconds[0]))
    backend = SimpleNamespace(metadata=None, callers=1, run=lambda image: take(1))
    watched = _Watched(backend)
    watched.run(SimpleNamespace(copy=lambda: take(100)))
    assert watched.times == [(0, 100, 101)]


def test_times_are_milliseconds():
    timing = Timing.from_seconds([0.001, 0.002, 0.003, 0.004, 0.010])
    assert (timing.median, timing.mean) == pytest.approx((3, 4))
    assert timing.p95 == pytest.approx(8.8)  # between the fourth and the fifth, as numpy interpolates
