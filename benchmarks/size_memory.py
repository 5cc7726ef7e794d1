"""What does each new size of picture cost, in memory and in time?

    python benchmarks/size_memory.py PICTURES/ [--sizes 200] [--backend openvino] [--quality balanced] [--cache 2000]

Runtimes plan, and compile machine code, for every new size of their input, and keep that. Pictures of PICTURES are
brought to random sizes and shapes (200 to 480 pixels each way), none twice; each is looked at, one at a time, in one
stream; then all of them again. Growth is what the process holds more than after three pictures of one size (VmRSS).
`--cache` bounds the entries of both caches that hold it with OpenVINO, by the variable ONEDNN_PRIMITIVE_CACHE_CAPACITY;
each run is a process of its own.
"""

import argparse
import gc
import os
import resource
import time
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from nimblepose.evaluation.benchmark_pictures import load_pictures
from nimblepose.evaluation.provenance import read_processor_name
from nimblepose.runtime.estimator import PoseEstimator

_SIDES = 200, 480  # pixels


def resident() -> float:
    """MiB that this process holds."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def make_sizes(count: int, seed: int = 0) -> list[tuple[int, int]]:
    """Heights and widths, none twice."""
    rng = np.random.default_rng(seed)
    sizes: dict[tuple[int, int], None] = {}
    while len(sizes) < count:
        height, width = rng.integers(*_SIDES, size=2, endpoint=True).tolist()
        sizes[height, width] = None
    return list(sizes)


def main() -> None:
    """Parse, run, print one row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source")
    parser.add_argument("--sizes", type=int, default=200)
    parser.add_argument("--backend", choices=("onnxruntime", "openvino"), default="openvino")
    parser.add_argument("--quality", choices=("fast", "balanced", "best"))
    parser.add_argument("--input-height", type=int, help="a single pass at this height, instead of a quality")
    parser.add_argument("--cache", type=int, help="entries of each of both caches; without it, as they come")
    options = parser.parse_args()
    if options.cache is not None:
        os.environ["ONEDNN_PRIMITIVE_CACHE_CAPACITY"] = str(options.cache)  # before a runtime reads it
    _, pictures = load_pictures(options.source)
    shown: list[NDArray[np.uint8]] = []
    for i, (height, width) in enumerate(make_sizes(options.sizes)):
        shown.append(np.asarray(cv2.resize(pictures[i % len(pictures)], (width, height)), np.uint8))
    estimator = PoseEstimator(
        backend=options.backend, threads=1, quality=options.quality, input_height=options.input_height
    )
    for _ in range(3):
        estimator(pictures[0])
    start, seconds, held, people = resident(), [], [], []
    for _ in range(2):
        begun = time.process_time()
        people.append(sum(len(estimator(picture)) for picture in shown))
        seconds.append(time.process_time() - begun)
        held.append(resident() - start)
    how = f"height {options.input_height}" if options.input_height else options.quality or "balanced"
    print(f"{options.backend}, {how}, {options.sizes} sizes, cache {options.cache or 'as it comes'};", end=" ")
    print(read_processor_name())
    print("| MiB warm | growth | growth, all again | CPU s | CPU s, all again | people |\n|---|---|---|---|---|---|")
    print(
        f"| {start:.0f} | {held[0]:+.0f} | {held[1]:+.0f} | {seconds[0]:.2f} | {seconds[1]:.2f} | "
        f"{people[0]} = {people[1]} |"
    )


if __name__ == "__main__":
    main()
