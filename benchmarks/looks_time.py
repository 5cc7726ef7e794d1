"""Do looks take the time that their pixels cost? Pictures through single passes and qualities, in turn, in one process.

    python benchmarks/looks_time.py DATA/ [--looks 368 fast balanced] [--model MODEL] [--pictures 60] [--rounds 5]
        [--backend onnxruntime] [--threads 1]

DATA is a folder in COCO layout. Each picture is in memory, and its time is the least of the rounds; cost is in input
pixels. Both are printed over those of the first way of looking (`ways_of_looking.py`), as sums over all pictures, and
time over cost: 1 is a network that takes the same time for every pixel, with nothing beside it.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from ways_of_looking import read_way

from nimblepose.core.skeleton import HUMAN_18
from nimblepose.data.sets import AnnotatedSet, locate_set, read_annotated
from nimblepose.runtime.estimator import PoseEstimator


def main() -> None:
    """Print a row for each way of looking."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--looks", nargs="+", default=["368", "fast", "balanced"])
    parser.add_argument("--model", type=Path)
    parser.add_argument("--pictures", type=int, default=60, help="So many, evenly out of the set.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    records = AnnotatedSet.read(*locate_set(args.data), HUMAN_18).records
    pictures = [read_annotated(r).picture for r in records[:: max(1, len(records) // args.pictures)]]
    how = {"backend": args.backend, "threads": args.threads}
    estimators = {way: PoseEstimator(args.model, **how, **read_way(way)) for way in args.looks}
    times = {way: np.full(len(pictures), np.inf) for way in args.looks}
    costs = {way: np.zeros(len(pictures)) for way in args.looks}
    for _ in range(args.rounds):
        for index, picture in enumerate(pictures):
            for way, estimator in estimators.items():
                start = time.perf_counter()
                poses = estimator(picture)
                times[way][index] = min(times[way][index], time.perf_counter() - start)
                costs[way][index] = poses.input_pixels
    first = args.looks[0]
    print(f"{len(pictures)} pictures, {args.rounds} rounds, {args.backend}, {args.threads} threads\n")
    print("| looks | ms | time | cost | time over cost |\n|---|---|---|---|---|")
    for way in args.looks:
        took, cost = (x[way].sum() / x[first].sum() for x in (times, costs))
        print(f"| {way} | {1e3 * times[way].mean():.1f} | {took:.3f} | {cost:.3f} | {took / cost:.3f} |")


if __name__ == "__main__":
    main()
