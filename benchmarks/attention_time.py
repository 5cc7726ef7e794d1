"""What does attention cost? Time of a frame from its picture to people with identities, beside one pass at height 256.

    python benchmarks/attention_time.py MODEL.onnx coco-train/ [--qualities fast] [--rounds 7] [--threads 1]

Frames are in memory, of 3840 x 2160 pixels and the same of 1280 x 720; everything is measured in turn, ratios are
medians over rounds. CPU time is that of all threads, which says the same where the machine does something else.
"""

import argparse
import statistics
import time
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
import small_people
from moving_people import Rendered, find_backgrounds, find_people
from small_people import make_walkers, render

from nimblepose.data.coco import read_json
from nimblepose.data.sets import locate_set
from nimblepose.runtime.estimator import PoseEstimator
from nimblepose.runtime.video import DEFAULT_TRACKING, track_frames

FRAMES = 40  # of which so many are in memory


def main() -> None:
    """Print a line for each size of frames and quality."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path, help="Folder in COCO layout, with outlines of people.")
    parser.add_argument("--qualities", default="fast")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    annotations, images = locate_set(arguments.data)
    material = read_json(annotations)
    people, backgrounds = find_people(material, images), find_backgrounds(material, images)
    rng = np.random.default_rng(5)
    walkers = make_walkers(people, (60, 160), rng)
    small_people.FRAMES = FRAMES
    large = list(render(backgrounds[0], walkers, rng))
    sets = {
        "3840 x 2160": large,
        "1280 x 720": [cv2.resize(p, (1280, 720), interpolation=cv2.INTER_AREA) for p in large],
    }
    methods = {"256": PoseEstimator(arguments.model, threads=arguments.threads, input_height=256).for_frames()}
    for quality in arguments.qualities.split(","):
        methods[quality] = PoseEstimator(arguments.model, threads=arguments.threads, quality=quality).for_frames()
    wall: dict[tuple[str, str], list[float]] = defaultdict(list)
    busy: dict[tuple[str, str], list[float]] = defaultdict(list)
    for number in range(-1, arguments.rounds):
        for shape, pictures in sets.items():
            for method, estimator in methods.items():
                start, used = time.perf_counter(), time.process_time()
                for _ in track_frames(estimator, Rendered(iter(pictures)), DEFAULT_TRACKING, None):
                    pass
                if number >= 0:
                    wall[shape, method].append(1000 * (time.perf_counter() - start) / len(pictures))
                    busy[shape, method].append(1000 * (time.process_time() - used) / len(pictures))
    for (shape, method), values in wall.items():
        ratios = [v / o for v, o in zip(values, wall[shape, "256"], strict=True)]
        cpu = [v / o for v, o in zip(busy[shape, method], busy[shape, "256"], strict=True)]
        other = [v / o for v, o in zip(busy[shape, method], busy["1280 x 720", method], strict=True)]
        print(
            f"{shape:12} {method:9} {statistics.median(values):7.1f} ms, {statistics.median(ratios):.2f} of 256; "
            f"{statistics.median(busy[shape, method]):6.1f} ms of CPU, {statistics.median(cpu):.2f} of 256, "
            f"{statistics.median(other):.2f} of the same at 1280 x 720"
        )


if __name__ == "__main__":
    main()
