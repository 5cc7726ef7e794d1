"""Where the time of a training sample goes, on one core.

    python benchmarks/training_sample.py --annotations person_keypoints.json --images images [--samples 300]

Each step is timed on the same random samples in one process with one thread; `whole` is the sample as the loader makes
it. The reference implementation needs 43 ms per sample on the machine of docs/training.md.
"""

import argparse
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from nimblepose import Skeleton
from nimblepose.codec.encode import encode_heatmaps, encode_pafs
from nimblepose.data.augment import AugmentOptions, Sample, choose_warp, disturb_picture, warp
from nimblepose.data.coco import load_records
from nimblepose.data.dataset import PoseDataset, SampleOptions, read_reduced, to_batch
from nimblepose.data.regions import paint_regions


def timed(times: dict[str, list[float]], name: str, work: Callable[[], Any]) -> Any:
    """Run and note the milliseconds."""
    began = time.perf_counter()
    result = work()
    times.setdefault(name, []).append(1000 * (time.perf_counter() - began))
    return result


def main() -> None:
    """Print a table of medians and means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--annotations", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--skeleton", default="human18")
    parser.add_argument("--samples", type=int, default=300)
    args = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)

    skeleton = Skeleton.load(args.skeleton)
    options = SampleOptions()
    dataset = PoseDataset(load_records([args.annotations], [args.images], skeleton), skeleton, options, seed=0)
    photo = AugmentOptions(colour=0.2, blur=0.3, jpeg=0.3)
    cells = (options.size[0] // 8, options.size[1] // 8)
    rng = np.random.default_rng(0)
    numbers = rng.integers(0, len(dataset), args.samples).tolist()
    times: dict[str, list[float]] = {}
    for number in numbers:
        which, person = dataset.samples[number]
        record = dataset.records[which]
        x, y, w, h = record.boxes[person].tolist()
        how = choose_warp((x + w / 2, y + h / 2), h, options.size, options.augment, rng)
        reduced = next((r for r in (8, 4, 2) if how.factor <= 1 / r), 1)
        read_reduced(record.path, record.size, 1)  # the file into the system's cache
        image = timed(times, "read and decode JPEG", lambda r=record, n=reduced: read_reduced(r.path, r.size, n))
        ignore = timed(times, "paint ignored regions", lambda r=record: paint_regions(r.ignore, r.size))
        sample = Sample(image, record.xy, ignore)
        moved = timed(times, "warp", lambda s=sample, t=how, n=reduced: warp(s, t, options.size, skeleton, reduced=n))
        timed(times, "colour, blur, JPEG noise (off by default)", lambda s=moved: disturb_picture(s, photo, rng))
        timed(times, "heatmaps", lambda s=moved: encode_heatmaps(s.xy, cells, options.encode))
        timed(times, "PAFs", lambda s=moved: encode_pafs(s.xy, cells, skeleton, options.encode))
        timed(times, "all after the warp, to tensors", lambda s=moved: to_batch(s, skeleton, options))
        timed(times, "whole", lambda n=number: dataset[n])

    print(f"{platform.machine()}, one core, {args.samples} samples of {options.size[0]} x {options.size[1]}, ms")
    print("| step | median | mean | 95 % |\n|---|---|---|---|")
    for name, values in times.items():
        figures = (statistics.median(values), statistics.mean(values), float(np.quantile(values, 0.95)))
        print(f"| {name} | {' | '.join(f'{figure:.2f}' for figure in figures)} |")


if __name__ == "__main__":
    main()
