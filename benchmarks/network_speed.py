"""The network alone: milliseconds of several files on several runtimes, in turn, so that all see the same machine.

    python benchmarks/network_speed.py FLOAT32.onnx INT8.onnx [--threads 2] [--size 256 456] [--rounds 10]

The ratio is the first file's median over this one's, on the same runtime.
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np

from nimblepose.evaluation.provenance import read_processor_name
from nimblepose.runtime.backends import open_backend
from nimblepose.runtime.protocols import Backend

_IN_A_ROW = 5
_PAUSE = 0.1  # seconds until the threads of the file before have stopped waiting for work


def milliseconds(backend: Backend, picture: np.ndarray) -> list[float]:
    """Of some runs in a row, after one that is not counted."""
    time.sleep(_PAUSE)
    backend.run(picture)
    times = []
    for _ in range(_IN_A_ROW):
        start = time.perf_counter()
        backend.run(picture)
        times.append(1e3 * (time.perf_counter() - start))
    return times


def main() -> None:
    """A row per runtime and file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--size", type=int, nargs=2, default=(256, 456), metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--rounds", type=int, default=10)
    args = parser.parse_args()
    pixels = np.random.default_rng(0).integers(0, 256, (1, 3, *args.size))
    runs = []
    for runtime in ("onnxruntime", "openvino"):
        for model in args.models:
            backend = open_backend(model, runtime, threads=args.threads)
            spec = backend.metadata.input
            picture = pixels.astype(spec.dtype) if spec.dtype == "uint8" else (pixels - spec.mean) * spec.scale
            runs.append((runtime, model, backend, picture.astype(spec.dtype), list[float]()))
    for _ in range(args.rounds):
        for *_, backend, picture, times in runs:
            times += milliseconds(backend, picture)
    print(f"{args.size[0]} x {args.size[1]}, {args.threads} threads, {args.rounds} rounds; {read_processor_name()}\n")
    print("| runtime | file | median ms | fastest ms | ratio |\n|---|---|---|---|---|")
    for runtime, model, _, _, times in runs:
        first = next(other for name, _, _, _, other in runs if name == runtime)
        ratio = statistics.median(first) / statistics.median(times)
        print(f"| {runtime} | {model.name} | {statistics.median(times):.1f} | {min(times):.1f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
