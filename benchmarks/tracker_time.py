"""What does a frame cost the tracker, and the smoother?

    python benchmarks/tracker_time.py [--people 1 5 20 50] [--frames 500]

People of 18 keypoints walk to and fro over a wide frame, crossing all the time; each is missed in one frame of ten, and
each keypoint too. Their colours are known; looking them up is timed on its own. Prints the median time per frame as a
Markdown table. No network.
"""

import argparse
import time

import numpy as np

from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import HUMAN_18
from nimblepose.tracking.appearance import add_colours
from nimblepose.tracking.smoothing import OneEuroSmoother
from nimblepose.tracking.tracker import OksTracker

RATE = 25.0  # frames per second
HEIGHT = 150.0  # of people, in pixels
WIDTH = 1280.0  # of the frame, in pixels


def walk(people: int, frames: int, rng: np.random.Generator) -> list[Poses]:
    """What a detector finds of people who turn round at the edges of the frame."""
    body = rng.uniform((-0.15, -1.0), (0.15, 0.0), (people, 18, 2)) * HEIGHT
    way = rng.uniform(0, 2 * WIDTH, people) + rng.uniform(40, 120, people) * np.arange(frames)[:, None] / RATE
    x = WIDTH - np.abs(way % (2 * WIDTH) - WIDTH)  # (F, N)
    y = rng.uniform(HEIGHT, 4 * HEIGHT, people)
    xy = (
        body
        + np.stack([x, np.broadcast_to(y, x.shape)], axis=-1)[:, :, None]
        + rng.normal(0, 1.5, (frames, people, 18, 2))
    )
    xy[rng.random(xy.shape[:3]) < 0.1] = np.nan
    colours = rng.uniform(0, 255, (people, len(HUMAN_18.limbs), 3)).astype(np.float32)
    result = []
    for now in xy.astype(np.float32):
        seen = rng.permutation(np.flatnonzero(rng.random(people) >= 0.1))
        scores = np.where(np.isnan(now[..., 0]), 0, 0.7).astype(np.float32)
        result.append(Poses(HUMAN_18, now, scores, np.full(people, 0.5, np.float32), limb_colours=colours)[seen])
    return result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, nargs="+", default=[1, 5, 20, 50])
    parser.add_argument("--frames", type=int, default=500)
    arguments = parser.parse_args()
    print("| people | colours, µs | tracker, µs | smoother, µs |\n|---|---|---|---|")
    for people in arguments.people:
        tracker, smoother, times = OksTracker(), OneEuroSmoother(), []
        picture = np.zeros((int(5 * HEIGHT), int(WIDTH), 3), np.uint8)
        for number, poses in enumerate(walk(people, arguments.frames, np.random.default_rng(people))):
            begin = time.perf_counter()
            add_colours(poses, picture)
            start = time.perf_counter()
            named = tracker.update(poses, number / RATE)
            middle = time.perf_counter()
            smoother.update(named, number / RATE)
            times.append((start - begin, middle - start, time.perf_counter() - middle))
        looking, tracking, smoothing = 1e6 * np.median(times, axis=0)
        print(f"| {people} | {looking:.0f} | {tracking:.0f} | {smoothing:.0f} |")


if __name__ == "__main__":
    main()
