"""From a video file to poses and to an annotated video: frames per second beside the network alone, and where CPU goes.

Absolute rates move from minute to minute, so every round measures everything once, one after the other, and ratios are
medians over rounds. CPU time per frame is given, too: it says the same where all cores are busy, and is little moved by
what else the machine does.

    python benchmarks/video_speed.py VIDEO MODEL --backend openvino --threads 2
"""

import argparse
import itertools
import queue
import statistics
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nimblepose.drawing.people import DrawOptions, draw_poses
from nimblepose.media.frames import Frame, Selection
from nimblepose.media.sources import open_frames
from nimblepose.media.video_writer import VideoWriter
from nimblepose.results.formats.own import JsonLines
from nimblepose.results.output_format import Header
from nimblepose.results.recording import Recording, RecordOptions
from nimblepose.results.video_sink import VideoSinkOptions
from nimblepose.runtime.backends import open_backend
from nimblepose.runtime.estimator import PoseEstimator
from nimblepose.runtime.protocols import Backend
from nimblepose.tracking.appearance import add_colours
from nimblepose.tracking.smoothing import OneEuroSmoother
from nimblepose.tracking.tracker import OksTracker

DRAW = DrawOptions(colour_by="person", show_ids=True)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--backend", default="auto", choices=["auto", "onnxruntime", "openvino"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--frames", type=int, default=150, help="per measurement, from the beginning of the video")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    estimator = PoseEstimator(options.model, backend=options.backend, threads=options.threads)
    parallel = open_backend(options.model, options.backend, threads=options.threads, parallel=options.threads)
    source = open_frames(options.video)
    frames = list(itertools.islice(source, options.frames))
    source.close()
    part = Selection(end=frames[-1].time + 1e-3)
    batches = [estimator.prepare([f.image], estimator.place(f.image)) for f in frames[:: len(frames) // 16]]
    print(f"{len(frames)} frames of {frames[0].image.shape[1]} x {frames[0].image.shape[0]}, input {batches[0].shape}")

    def recorded(folder: Path, *, video: bool) -> None:
        sink = VideoSinkOptions(video=video, draw=DRAW)
        recording = Recording(estimator, options.video, folder / "out", RecordOptions(selection=part, sink=sink))
        for _ in recording:
            pass
        recording.finish()

    def decoded() -> None:
        for _ in open_frames(options.video, part):
            pass

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        things: dict[str, Callable[[], None]] = {
            "network alone, all threads on one picture": lambda: alone(estimator.backend, batches, len(frames), 1),
            "network alone, one picture per thread": lambda: alone(parallel, batches, len(frames), options.threads),
            "pictures in memory to poses": lambda: _use_up(estimator.stream(f.image for f in frames)),
            "file to poses (JSON Lines)": lambda: recorded(folder, video=False),
            "file to poses and annotated H.264": lambda: recorded(folder, video=True),
            "file decoded only": decoded,
        }
        rates: dict[str, list[float]] = defaultdict(list)
        busy: dict[str, list[float]] = defaultdict(list)  # milliseconds of CPU per frame
        for number in range(-1, options.rounds):  # the first warms up
            for label, work in things.items():
                start, used = time.perf_counter(), time.process_time()
                work()
                if number >= 0:
                    rates[label].append(len(frames) / (time.perf_counter() - start))
                    busy[label].append(1000 * (time.process_time() - used) / len(frames))
        best = max(list(things)[:2], key=lambda label: statistics.median(rates[label]))
        for label, values in rates.items():
            ratio = statistics.median(v / b for v, b in zip(values, rates[best], strict=True))
            cpu, least = (statistics.median(busy[one]) for one in (label, best))
            print(
                f"{label:45} {statistics.median(values):7.1f} frames/s, {ratio:6.3f} x the network's best; "
                f"{cpu:6.1f} ms of CPU per frame, {least / cpu:6.3f}"
            )
        for stage, milliseconds in profile(estimator, options.video, part, folder).items():
            print(f"{stage:45} {milliseconds:7.2f} ms of CPU per frame")


def alone(backend: Backend, batches: list[NDArray[np.float32]], count: int, threads: int) -> None:
    """`count` batches through the network by `threads` callers, and nothing else."""
    waiting: queue.SimpleQueue[NDArray[np.float32] | None] = queue.SimpleQueue()
    for batch in itertools.islice(itertools.cycle(batches), count):
        waiting.put(batch)

    def work() -> None:
        while (batch := waiting.get()) is not None:
            backend.run(batch)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        waiting.put(None)
        worker.start()
    for worker in workers:
        worker.join()


def profile(estimator: PoseEstimator, video: Path, part: Selection, folder: Path) -> dict[str, float]:
    """Milliseconds of CPU, of all threads of the process together, that each stage takes per frame."""
    spent: dict[str, float] = defaultdict(float)
    tracker, smoother = OksTracker(), OneEuroSmoother()
    source = open_frames(video, part)
    header = Header(model=estimator.model.stem, skeletons=(estimator.skeleton,), source=source.info.name)
    lines = JsonLines(folder / "profile.jsonl", header)
    writer = VideoWriter(folder / "profile.mp4", source.info)
    clock = time.process_time()

    def lap(stage: str) -> None:
        nonlocal clock
        now = time.process_time()
        spent[stage] += now - clock
        clock = now

    frames: list[Frame] = []
    for frame in source:
        lap("decode video, to RGB")
        placement = estimator.place(frame.image)
        batch = estimator.prepare([frame.image], placement)
        lap("prepare")
        fields = estimator.backend.run(batch)
        lap("network")
        poses = estimator.decode(fields.heatmaps[0], fields.pafs[0], placement)
        lap("decode poses")
        poses = add_colours(poses, frame.image)
        poses = smoother.update(tracker.update(poses, frame.time), frame.time)
        lap("track and smooth")
        lines.add(frame.stamp, poses)
        lap("JSON Lines")
        drawn = draw_poses(frame.image, poses, DRAW)
        lap("draw")
        writer.add(drawn, frame.time)
        lap("encode H.264")
        frames.append(frame)
    writer.finish()
    lap("encode H.264")
    return {stage: 1000 * seconds / len(frames) for stage, seconds in spent.items()}


def _use_up(results: object) -> None:
    for _ in results:  # type: ignore[attr-defined]
        pass


if __name__ == "__main__":
    main()
