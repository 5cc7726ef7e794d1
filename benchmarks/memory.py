"""Does memory stay flat over many frames, one by one and streamed?

    python benchmarks/memory.py MODEL PICTURES/ [--frames 5000] [--input-height 256] [--backend openvino] [--threads 2]

Growth is what the process holds more at the end than after warming up, by the kernel's account (VmRSS), after a
collection of garbage. Every picture is seen while warming up, so that what runtimes plan per input size is not growth.
"""

import argparse
import gc
import json
import resource
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nimblepose.evaluation.benchmark_pictures import load_pictures
from nimblepose.evaluation.provenance import read_processor_name
from nimblepose.runtime.estimator import PoseEstimator

_EVERY = 500  # frames between lines


def resident() -> float:
    """Megabytes that this process holds."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def one_by_one(estimator: PoseEstimator, frames: Iterator[NDArray[np.uint8]]) -> Iterator[int]:
    """People of each frame."""
    return (len(estimator(frame)) for frame in frames)


def streamed(estimator: PoseEstimator, frames: Iterator[NDArray[np.uint8]]) -> Iterator[int]:
    """People of each frame."""
    return (len(poses) for poses in estimator.stream(frames))


def growth(way: str, estimator: PoseEstimator, pictures: list[NDArray[np.uint8]], frames: int) -> dict[str, float]:
    """Megabytes after warming up, at the end, and the most in between."""
    run = {"one by one": one_by_one, "streamed": streamed}[way]
    for _ in run(estimator, islice(cycle(pictures), max(200, 2 * len(pictures)))):
        pass
    start, held, people = time.perf_counter(), [resident()], 0
    for number, count in enumerate(run(estimator, islice(cycle(pictures), frames)), start=1):
        people += count
        if number % _EVERY == 0 or number == frames:
            held.append(resident())
    seconds = time.perf_counter() - start
    return {"warm": held[0], "most": max(held), "end": resident(), "people": people, "seconds": seconds}


def main() -> None:
    """Parse, run, print one row for each way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("source")
    parser.add_argument("--frames", type=int, default=5000)
    parser.add_argument("--input-height", type=int, default=256)
    parser.add_argument("--backend", choices=("auto", "onnxruntime", "openvino", "torch"), default="auto")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--ways", nargs="*", choices=("one by one", "streamed"), default=["one by one", "streamed"])
    parser.add_argument("--json", action="store_true", help="one JSON object per way instead of a table")
    options = parser.parse_args()
    _, pictures = load_pictures(options.source)
    estimator = PoseEstimator(
        options.model, backend=options.backend, threads=options.threads, input_height=options.input_height
    )
    backend = type(estimator.backend).__name__.removesuffix("Backend")
    if not options.json:
        print(f"{options.model.name}, {backend}, height {options.input_height}, {options.threads} threads,", end=" ")
        print(f"{len(pictures)} pictures in turn; {read_processor_name()}")
        print("| way | frames | people | MB warm | most | end | growth | frames/s |\n|---|---|---|---|---|---|---|---|")
    for way in options.ways:
        row = growth(way, estimator, pictures, options.frames)
        grown = row["end"] - row["warm"]
        if options.json:
            print(json.dumps({"way": way, "frames": options.frames, "growth": grown, **row}))
            continue
        print(
            f"| {way} | {options.frames} | {row['people']:.0f} | {row['warm']:.1f} | {row['most']:.1f} | "
            f"{row['end']:.1f} | {grown:+.1f} | {options.frames / row['seconds']:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
