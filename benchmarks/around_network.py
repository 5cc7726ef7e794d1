"""What goes by around the network for one picture, by two source trees in turn: preparing, and decoding to its poses.

    chrt -f 50 python benchmarks/around_network.py OLD/src NEW/src frames/ --backend openvino

Both trees are in one process and have the same opened model of the newer one, so whatever the machine does hits both
alike. After a run of the network everything else is cold, and is timed so: each picture is estimated once by one tree
and once by the other, whoever comes first in turn. "decode" is all that comes after the network, until there are poses.
"""

import argparse
import os
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np


class Watched:
    """A backend that notes when it was called last, and when it was done."""

    def __init__(self, backend: Any) -> None:
        self._backend, self.metadata, self.callers = backend, backend.metadata, backend.callers
        self.called = self.done = 0.0

    def run(self, image: Any) -> Any:
        """As the backend does."""
        self.called = time.perf_counter()
        fields = self._backend.run(image)
        self.done = time.perf_counter()
        return fields


def load(tree: Path, **options: Any) -> Any:
    """An estimator of a source tree, which stays what it is when another tree is loaded."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "nimblepose"]:
        del sys.modules[name]
    sys.path.insert(0, str(tree))
    estimator = import_module("nimblepose.runtime.estimator").PoseEstimator(**options)
    sys.path.remove(str(tree))
    return estimator


def main() -> None:
    """Print a row for each run and tree."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path, help="`src` of a checkout")
    parser.add_argument("new", type=Path, help="`src` of another one")
    parser.add_argument("pictures", type=Path, help="folder of pictures")
    parser.add_argument("--backend", default="onnxruntime")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--height", type=int, default=256)
    parser.add_argument("--frames", type=int, default=60, help="of each run")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--people", type=int, default=3, help="pictures with so many")
    arguments = parser.parse_args()
    options = {"backend": arguments.backend, "threads": arguments.threads, "input_height": arguments.height}
    estimators = {tree: load(getattr(arguments, tree).resolve(), **options) for tree in ("old", "new")}
    watched = Watched(estimators["new"].backend)
    read = import_module("nimblepose.media.pictures").read_picture
    pictures = [read(file) for file in sorted(arguments.pictures.iterdir())]
    pictures = [p for p in pictures if len(estimators["new"].estimate(p)) == arguments.people]

    print(f"{len(pictures)} pictures with {arguments.people} people, load {os.getloadavg()[0]:.1f} at the start; ms\n")
    print("| runtime | run | tree | prepare | network | decode |\n|---|---|---|---|---|---|")
    for run in range(arguments.runs):
        times: dict[str, list[tuple[float, float, float]]] = {tree: [] for tree in estimators}
        for number in range(-len(pictures), arguments.frames):
            for tree in sorted(estimators, reverse=number % 2 == 0):
                begun = time.perf_counter()
                estimators[tree].estimate(pictures[number % len(pictures)], watched)
                ended = time.perf_counter()
                if number >= 0:
                    times[tree].append((watched.called - begun, watched.done - watched.called, ended - watched.done))
        for tree, rows in times.items():
            cells = " | ".join(f"{1e3 * value:.2f}" for value in np.median(rows, axis=0))
            print(f"| {arguments.backend} | {run + 1} | {tree} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
