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
from nimblepose.core.progress import Progress, say_nothing
from nimblepose.drawing.people import draw_poses
from nimblepose.media.pictures import Picture, read_picture
from nimblepose.runtime.estimator import PoseEstimator
from nimblepose.runtime.prepare import Batch
from nimblepose.runtime.protocols import Backend

STAGES = ("read", "prepare", "network", "decode", "draw")


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

    stages: Mapping[str, Timing]  # of `STAGES`; no "read" where pictures did not come from files
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
    input_sizes: Sequence[tuple[int, int]]  # (height, width) of what the network saw
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
        estimator: As it shall be measured, without flip and scales.
        parallel: The same model opened for `threads` calls at a time (`open_backend(..., parallel=threads)`).
        pictures: Decoded pictures, taken in turn.
        files: Where reading shall be measured too, the file of each picture.
        threads: That the estimator has.
        options: How much is measured.
        progress: Told after each frame and each round.

    Raises:
        OptionError: the estimator averages with the mirror image or over scales, or there are no pictures.
    """
    if estimator.flip or estimator.scales != (1.0,):
        raise OptionError("the benchmark measures the network run once per picture: leave out flip and scales")
    if not pictures:
        raise OptionError("no pictures to measure with")
    placements = [estimator.place(picture) for picture in pictures]
    batches = [estimator.prepare([p], placement) for p, placement in zip(pictures, placements, strict=True)]
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
        input_sizes=sorted({placement.input_size for placement in placements}),
        options=options,
    )


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
    batches: Sequence[Batch],
    options: BenchmarkOptions,
) -> None:
    """Every input size once in every backend (runtimes plan per size), and a few frames more."""
    count = len(pictures) + options.warm_up
    for picture, batch in islice(zip(cycle(pictures), cycle(batches), strict=True), count):
        estimator.estimate(picture)
        parallel.run(batch)
    for _ in estimator.stream(islice(cycle(pictures), count)):
        pass


def _run_one_by_one(
    estimator: PoseEstimator,
    pictures: Sequence[Picture],
    batches: Sequence[Batch],
    files: Sequence[Path],
    options: BenchmarkOptions,
    progress: Progress,
) -> _Single:
    single = _Single()
    for number in range(options.frames):
        picture, batch = pictures[number % len(pictures)], batches[number % len(pictures)]
        for alone in (True, False) if number % 2 else (False, True):  # neither always profits from coming second
            if alone:
                single.network.append(_time_call(partial(estimator.backend.run, batch))[0])
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
    placement = estimator.place(picture)
    batch = estimator.prepare([picture], placement)
    prepared = time.perf_counter()
    fields = estimator.backend.run(batch)
    ran = time.perf_counter()
    poses = estimator.decode(fields.heatmaps[0], fields.pafs[0], placement)
    decoded = time.perf_counter()
    draw_poses(picture, poses)
    drawn = time.perf_counter()
    times = (prepared - start, ran - prepared, decoded - ran, drawn - decoded)
    for stage, seconds in zip(STAGES[1:], times, strict=True):
        stages[stage].append(seconds)


def _run_streamed(
    estimator: PoseEstimator,
    parallel: Backend,
    pictures: Sequence[Picture],
    batches: Sequence[Batch],
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
            estimator.backend.run(batch)

    for number in range(options.rounds):
        rounds.streamed.append(count / _time_call(run_stream)[0])
        rounds.parallel.append(count / _time_call(partial(_run_parallel, parallel, batches, count))[0])
        rounds.network.append(count / _time_call(run_alone)[0])
        progress(options.frames + number + 1)
    return rounds


def _run_parallel(backend: Backend, batches: Sequence[Batch], count: int) -> None:
    """`count` batches through the network by the threads that streaming has, and nothing else: the most it can do."""
    waiting: queue.SimpleQueue[Batch] = queue.SimpleQueue()
    for batch in islice(cycle(batches), count):
        waiting.put(batch)

    def work() -> None:
        while True:
            try:
                batch = waiting.get_nowait()
            except queue.Empty:
                return
            backend.run(batch)

    workers = [threading.Thread(target=work) for _ in range(backend.callers)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def _time_call(work: Callable[[], Any]) -> tuple[float, Any]:
    """How long it takes, and what it returns."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result
