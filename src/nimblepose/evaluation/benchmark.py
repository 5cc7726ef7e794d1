"""How long does a picture take, stage by stage, and what of it is the network's own time?

Absolute times move from minute to minute on most machines. So whatever is compared is measured interleaved, in one run:
each whole picture beside the network alone on the same picture, each round of streaming beside a round of the network
alone. Ratios are medians over those pairs.
"""

import dataclasses
import queue
import statistics
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np

from nimblepose.core.errors import OptionError
from nimblepose.core.poses import Poses
from nimblepose.core.progress import Progress, say_nothing
from nimblepose.drawing.people import draw_poses
from nimblepose.evaluation.cost import Cost, measure_cost
from nimblepose.media.pictures import Picture, read_picture
from nimblepose.runtime.estimator import PoseEstimator
from nimblepose.runtime.prepare import Batch
from nimblepose.runtime.protocols import Backend, Fields

STAGES = ("read", "prepare", "network", "look", "decode", "draw")
"""What a picture's time is made of: "look" is what lies between two runs of the network, which only looks have."""


@dataclass(frozen=True, kw_only=True)
class BenchmarkOptions:
    """How much is measured.

    Raises:
        OptionError: a number below 1.
    """

    frames: int = 100  # one by one, and again streamed; pictures repeat
    rounds: int = 5  # into which the streamed frames are cut, each beside a round of the network alone
    warm_up: int = 5  # frames before the clock runs, besides one of each picture

    def __post_init__(self) -> None:
        """Refuse to measure nothing."""
        if min(self.frames, self.rounds, self.warm_up) < 1:
            raise OptionError(f"frames, rounds and warm_up must be 1 or more: {self}")

    @property
    def steps(self) -> int:
        """What progress counts: frames one by one, then rounds."""
        return self.frames + self.rounds


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Milliseconds of one thing measured many times."""

    median: float
    p95: float
    mean: float

    @classmethod
    def from_seconds(cls, seconds: Sequence[float]) -> "Timing":
        """From single measurements, which are in seconds."""
        values = 1e3 * np.array(seconds)
        return cls(median=float(np.median(values)), p95=float(np.percentile(values, 95)), mean=float(values.mean()))


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """What was measured; frames per second count from a decoded picture to its poses."""

    stages: Mapping[str, Timing]  # of `STAGES`; no "read" without files, no "look" where there was none
    whole: Timing  # from a decoded picture to poses, all threads on one picture
    network: Timing  # the network alone, all threads on one picture, interleaved with `whole`
    whole_over_network: float  # median over pictures
    one_by_one_fps: float
    streamed_fps: float
    network_fps: float  # alone, all threads on one picture
    network_parallel_fps: float  # alone, as many pictures at a time as streaming has
    streamed_over_network: float  # against the better of these two
    people: tuple[int, float, int]  # per picture: fewest, median, most
    pictures: int
    input_sizes: Sequence[tuple[int, int]]  # (height, width) of what the network saw first
    looks: float  # per picture, in the mean
    cost: Cost  # per picture, by what the network saw
    options: BenchmarkOptions

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; times in milliseconds."""
        return dataclasses.asdict(self)


def run_benchmark(
    estimator: PoseEstimator,
    parallel: Backend,
    pictures: Sequence[Picture],
    *,
    files: Sequence[Path] = (),
    threads: int,
    options: BenchmarkOptions = BenchmarkOptions(),
    progress: Progress = say_nothing,
) -> Benchmark:
    """Measure.

    Args:
        estimator: As it shall be measured, looks included, without scales.
        parallel: The same model opened for `threads` calls at a time (`open_backend(..., parallel=threads)`).
        pictures: Decoded pictures, taken in turn.
        files: Where reading shall be measured too, the file of each picture.
        threads: That the estimator has.
        options: How much is measured.
        progress: Told after each frame and each round.

    Raises:
        OptionError: the estimator averages over scales, or there are no pictures.
    """
    if estimator.scales != (1.0,):
        raise OptionError("the benchmark does not measure averaged sizes: leave out scales")
    if not pictures:
        raise OptionError("no pictures to measure with")
    found = [_watch(estimator, picture) for picture in pictures]
    batches = [watched.batches for _, watched in found]
    _warm_up(estimator, parallel, pictures, batches, options)
    single = _run_one_by_one(estimator, pictures, batches, files, options, progress)
    rounds = _run_streamed(estimator, parallel, pictures, batches, threads, options, progress)
    best = max(rounds.network, rounds.parallel, key=statistics.median)
    counts = single.people[: len(pictures)]
    return Benchmark(
        stages={stage: Timing.from_seconds(single.stages[stage]) for stage in STAGES if single.stages[stage]},
        whole=Timing.from_seconds(single.whole),
        network=Timing.from_seconds(single.network),
        whole_over_network=statistics.median(w / n for w, n in zip(single.whole, single.network, strict=True)),
        one_by_one_fps=len(single.whole) / sum(single.whole),
        streamed_fps=statistics.median(rounds.streamed),
        network_fps=statistics.median(rounds.network),
        network_parallel_fps=statistics.median(rounds.parallel),
        streamed_over_network=statistics.median(s / b for s, b in zip(rounds.streamed, best, strict=True)),
        people=(min(counts), float(statistics.median(counts)), max(counts)),
        pictures=len(pictures),
        input_sizes=sorted({estimator.place(picture).input_size for picture in pictures}),
        looks=statistics.mean(0 if poses.looks is None else len(poses.looks) for poses, _ in found),
        cost=measure_cost([poses for poses, _ in found], [(p.shape[0], p.shape[1]) for p in pictures]),
        options=options,
    )


class _Watched:
    """A backend that notes what it is given, and when it is at work."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.metadata, self.callers = backend.metadata, backend.callers
        self.batches: list[Batch] = []
        self.times: list[tuple[float, float, float]] = []  # seconds: called, begun, done

    def run(self, image: Batch) -> Fields:
        called = time.perf_counter()
        self.batches.append(image.copy())  # is neither preparing nor network
        begun = time.perf_counter()
        fields = self._backend.run(image)
        self.times.append((called, begun, time.perf_counter()))
        return fields


def _watch(estimator: PoseEstimator, picture: Picture) -> tuple[Poses, _Watched]:
    """The people in a picture, and how the network was run for them."""
    watched = _Watched(estimator.backend)
    return estimator.estimate(picture, watched), watched


@dataclass
class _Single:
    """Seconds of each frame, one by one."""

    whole: list[float] = field(default_factory=list)
    network: list[float] = field(default_factory=list)
    stages: dict[str, list[float]] = field(default_factory=lambda: {stage: [] for stage in STAGES})
    people: list[int] = field(default_factory=list)


@dataclass
class _Rounds:
    """Frames per second of each round."""

    streamed: list[float] = field(default_factory=list)
    network: list[float] = field(default_factory=list)
    parallel: list[float] = field(default_factory=list)


def _warm_up(
    estimator: PoseEstimator,
    parallel: Backend,
    pictures: Sequence[Picture],
    batches: Sequence[Sequence[Batch]],
    options: BenchmarkOptions,
) -> None:
    """Every input size once in every backend (runtimes plan per size), and a few frames more."""
    count = len(pictures) + options.warm_up
    for picture, batch in islice(zip(cycle(pictures), cycle(batches), strict=True), count):
        estimator.estimate(picture)
        _run_all(parallel, batch)
    for _ in estimator.stream(islice(cycle(pictures), count)):
        pass


def _run_one_by_one(
    estimator: PoseEstimator,
    pictures: Sequence[Picture],
    batches: Sequence[Sequence[Batch]],
    files: Sequence[Path],
    options: BenchmarkOptions,
    progress: Progress,
) -> _Single:
    single = _Single()
    for number in range(options.frames):
        picture, batch = pictures[number % len(pictures)], batches[number % len(pictures)]
        for alone in (True, False) if number % 2 else (False, True):  # neither always profits from coming second
            if alone:
                single.network.append(_time_call(partial(_run_all, estimator.backend, batch))[0])
            else:
                seconds, poses = _time_call(partial(estimator.estimate, picture))
                single.whole.append(seconds)
                single.people.append(len(poses))
        _time_stages(estimator, picture, files[number % len(files)] if files else None, single.stages)
        progress(number + 1)
    return single


def _time_stages(
    estimator: PoseEstimator, picture: Picture, file: Path | None, stages: Mapping[str, list[float]]
) -> None:
    if file is not None:
        stages["read"].append(_time_call(partial(read_picture, file))[0])
    start = time.perf_counter()
    poses, watched = _watch(estimator, picture)
    found = time.perf_counter()
    draw_poses(picture, poses)
    drawn = time.perf_counter()
    called, begun, done = zip(*watched.times, strict=True)
    stages["prepare"].append(called[0] - start)
    stages["network"].append(sum(done) - sum(begun))
    if len(begun) > 1:
        stages["look"].append(sum(called[1:]) - sum(done[:-1]))
    stages["decode"].append(found - done[-1])
    stages["draw"].append(drawn - found)


def _run_streamed(
    estimator: PoseEstimator,
    parallel: Backend,
    pictures: Sequence[Picture],
    batches: Sequence[Sequence[Batch]],
    threads: int,
    options: BenchmarkOptions,
    progress: Progress,
) -> _Rounds:
    rounds = _Rounds()
    count = max(4 * threads, options.frames // options.rounds)  # few frames would measure the start and the end

    def run_stream() -> None:
        for _ in estimator.stream(islice(cycle(pictures), count)):
            pass

    def run_alone() -> None:
        for batch in islice(cycle(batches), count):
            _run_all(estimator.backend, batch)

    for number in range(options.rounds):
        rounds.streamed.append(count / _time_call(run_stream)[0])
        rounds.parallel.append(count / _time_call(partial(_run_parallel, parallel, batches, count))[0])
        rounds.network.append(count / _time_call(run_alone)[0])
        progress(options.frames + number + 1)
    return rounds


def _run_parallel(backend: Backend, batches: Sequence[Sequence[Batch]], count: int) -> None:
    """`count` pictures through the network by the threads that streaming has, and nothing else: the most it can do."""
    waiting: queue.SimpleQueue[Sequence[Batch]] = queue.SimpleQueue()
    for batch in islice(cycle(batches), count):
        waiting.put(batch)

    def work() -> None:
        while True:
            try:
                batch = waiting.get_nowait()
            except queue.Empty:
                return
            _run_all(backend, batch)

    workers = [threading.Thread(target=work) for _ in range(backend.callers)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def _run_all(backend: Backend, batches: Sequence[Batch]) -> None:
    """All runs of the network for one picture."""
    for batch in batches:
        backend.run(batch)


def _time_call(work: Callable[[], Any]) -> tuple[float, Any]:
    """How long it takes, and what it returns."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result
