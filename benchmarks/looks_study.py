"""Looks against passes: AP and cost, as a table and a plot; what looks add to whom; what planning takes.

    python benchmarks/looks_study.py MODEL.onnx DATA/ [--out LOOKS.png] [--rows fast balanced ...] [--limit N]
    python benchmarks/looks_study.py MODEL.onnx --times

DATA is a folder in COCO layout. Cost is what the network is shown of a picture, in input pixels of a pass at height 368
over it, mean over the set: it is the same on every machine. Numbers are chosen on pictures that no reported figure is
computed on.
"""

import argparse
import dataclasses
import statistics
import time
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from nimblepose.codec.options import FOR_RANKING, DecodeOptions
from nimblepose.core.files import write_atomically
from nimblepose.core.oks import compute_oks
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import HUMAN_18
from nimblepose.data.coco import Record
from nimblepose.data.sets import AnnotatedSet, locate_set
from nimblepose.evaluation.coco import evaluate
from nimblepose.evaluation.cost import measure_cost
from nimblepose.evaluation.detect import detect
from nimblepose.looks.merging import merge
from nimblepose.looks.options import LookOptions
from nimblepose.looks.places import find_places
from nimblepose.looks.planning import plan_looks
from nimblepose.looks.sightings import Sightings, note
from nimblepose.media.encoding import encode_picture
from nimblepose.runtime.estimator import PoseEstimator
from nimblepose.runtime.quality import QUALITIES, Quality

Row = tuple[str, str, dict[str, Any]]  # name, kind, arguments of the estimator
_SCALES = (0.5, 1.0, 1.5, 2.0)
_ROWS: list[Row] = [
    ("height 256", "one pass", {"input_height": 256}),
    ("height 368", "one pass", {"input_height": 368}),
    ("height 480", "one pass", {"input_height": 480}),
    ("height 640", "one pass", {"input_height": 640}),
    ("scales", "averaged", {"input_height": 368, "scales": _SCALES}),
    ("fast", "looks", {"quality": "fast"}),
    ("between", "looks", {"quality": dataclasses.replace(QUALITIES["fast"], passes=(60_000,))}),
    ("balanced", "looks", {"quality": "balanced"}),
    ("closer", "looks", {"quality": Quality(passes=(110_000,), looks=LookOptions(sizes=(185.0,)), bound=4.0)}),
    ("best", "looks", {"quality": "best"}),
]
_COLOURS = {"one pass": (120, 120, 120), "averaged": (200, 120, 40), "looks": (20, 100, 200)}


def _keep(found: list[Poses], _: Record, poses: Poses) -> None:
    found.append(poses)


def measure_rows(model: Path, data: Path, rows: Sequence[Row], *, limit: int, as_used: bool) -> list[tuple[Any, ...]]:
    """Name, kind, cost, greatest cost, looks per picture and metrics of each row."""
    file, folder = locate_set(data)
    annotated = AnnotatedSet.read(file, folder, HUMAN_18, limit=limit)
    sizes, measured = [record.size for record in annotated.records], []
    for name, kind, options in rows:
        decode = DecodeOptions() if as_used else FOR_RANKING
        estimator = PoseEstimator(model, decode=decode, streaming=True, **options)
        found: list[Poses] = []
        start = time.perf_counter()
        metrics = evaluate(annotated, detect(annotated, estimator, watch=partial(_keep, found)))
        seconds = time.perf_counter() - start
        cost = measure_cost(found, sizes)
        looks = statistics.mean(0 if poses.looks is None else len(poses.looks) for poses in found)
        measured.append((name, kind, cost.mean, cost.most, looks, metrics))
        figures = (metrics.ap, metrics.ap50, metrics.ap75, metrics.ap_medium, metrics.ap_large, metrics.ar)
        cells = f"{cost.mean:.2f} | {cost.most:.2f} | {looks:.1f} | " + " | ".join(f"{value:.4f}" for value in figures)
        print(f"| {name} | {cells} | {seconds:.0f} |", flush=True)
    return measured


def plot(measured: Sequence[tuple[Any, ...]], size: tuple[int, int] = (420, 640)) -> np.ndarray:
    """AP over cost (logarithmic); one line of dots for each kind."""
    height, width = size
    canvas = np.full((height, width, 3), 255, np.uint8)
    left, right, top, bottom = 60, width - 90, 20, height - 50
    costs, aps = [row[2] for row in measured], [row[5].ap for row in measured]
    low, high = np.log(min(costs) * 0.9), np.log(max(costs) * 1.1)
    least, most = np.floor(min(aps) * 50) / 50, np.ceil(max(aps) * 50) / 50

    def place(cost: float, ap: float) -> tuple[int, int]:
        x = left + (np.log(cost) - low) / (high - low) * (right - left)
        return round(float(x)), round(float(bottom - (ap - least) / (most - least) * (bottom - top)))

    def write(text: str, at: tuple[int, int], colour: tuple[int, int, int] = (60, 60, 60)) -> None:
        cv2.putText(canvas, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.4, colour, 1, cv2.LINE_AA)

    for ap in np.arange(least, most + 1e-6, 0.02):
        _, y = place(np.exp(low), ap)
        cv2.line(canvas, (left, y), (right, y), (225, 225, 225), 1)
        write(f"{ap:.2f}", (20, y + 4))
    for cost in (0.25, 0.5, 1, 2, 4, 8, 16):
        if low <= np.log(cost) <= high:
            x, _ = place(cost, least)
            cv2.line(canvas, (x, top), (x, bottom), (225, 225, 225), 1)
            write(f"{cost:g}", (x - 8, bottom + 16))
    write("cost: input pixels, in passes at height 368", (left, height - 12))
    for kind, colour in _COLOURS.items():
        dots = [place(cost, metrics.ap) for _, own, cost, _, _, metrics in measured if own == kind]
        for one, other in pairwise(dots):
            cv2.line(canvas, one, other, colour, 1, cv2.LINE_AA)
    for name, kind, cost, _, _, metrics in measured:
        at = place(cost, metrics.ap)
        cv2.circle(canvas, at, 4, _COLOURS[kind], cv2.FILLED, cv2.LINE_AA)
        write(name, (at[0] + 7, at[1] + 12), _COLOURS[kind])
    return canvas


def print_gains(model: Path, data: Path, *, limit: int) -> None:
    """OKS before and after looks, by the score and the size of who was seen in the pass over the whole picture."""
    file, folder = locate_set(data)
    annotated = AnnotatedSet.read(file, folder, HUMAN_18, limit=limit)
    quality = QUALITIES["balanced"]
    without = dataclasses.replace(quality, looks=None)
    everything = dataclasses.replace(quality, looks=dataclasses.replace(quality.looks or LookOptions(), min_gain=0.0))
    found: dict[str, list[Poses]] = {"before": [], "after": []}
    for name, chosen in (("before", without), ("after", everything)):
        estimator = PoseEstimator(model, quality=chosen, decode=FOR_RANKING, streaming=True)
        detect(annotated, estimator, watch=partial(_keep, found[name]))
    kept = HUMAN_18.annotated_indices
    sigmas, rows = np.array(HUMAN_18.oks_sigmas)[kept], []
    for record, before, after in zip(annotated.records, found["before"], found["after"], strict=True):
        truth = record.xy[:, kept]
        oks = [
            compute_oks(poses.keypoints[:, kept], truth, oks_sigmas=sigmas, area=record.areas)
            for poses in (before, after)
        ]
        zoom = np.sqrt(quality.passes[0] / (record.size[0] * record.size[1]))
        for i in range(len(truth)):
            size = np.hypot(*np.ptp(truth[i][~np.isnan(truth[i, :, 0])], axis=0)) * zoom
            first = float(oks[0][:, i].max(initial=0))
            score = float(before.scores[oks[0][:, i].argmax()]) if first > 0.1 else 0.0
            rows.append((score, size, float(oks[1][:, i].max(initial=0)) - first))
    table = np.array(rows)
    edges = (0, 32, 64, 90, 128, 180, np.inf)
    print("| score | " + " | ".join(f"{low:g} to {high:g}" for low, high in pairwise(edges)) + " |")
    for low, high in ((-1, 0.01), (0.01, 0.5), (0.5, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 1.01)):
        cells = []
        for least, most in pairwise(edges):
            own = table[(table[:, 0] >= low) & (table[:, 0] < high) & (table[:, 1] >= least) & (table[:, 1] < most), 2]
            cells.append(f"{own.mean():+.2f} ({len(own)})" if len(own) else "")
        print(f"| {max(low, 0):.2f} | " + " | ".join(cells) + " |")


def print_times(model: Path) -> None:
    """Milliseconds of planning, packing and merging for a few people and for a crowd."""
    metadata = PoseEstimator(model, threads=1, input_height=64).metadata
    assert metadata.prior is not None
    rng, options, sigmas = np.random.default_rng(0), LookOptions(), np.array(metadata.skeleton.oks_sigmas)
    for count in (5, 60):
        sizes, places = rng.uniform(25, 160, (count, 1, 1)), rng.uniform((0, 0), (1280, 720), (count, 1, 2))
        shape = metadata.prior.mean
        xy = (shape + rng.normal(0, 0.02, (count, *shape.shape))) * sizes + places
        missing = rng.random((count, len(shape), 1)) < 0.2
        poses = Poses(
            metadata.skeleton, np.where(missing, np.nan, xy).astype(np.float32),
            np.where(missing[..., 0], 0, 0.5).astype(np.float32), rng.uniform(0.2, 0.6, count).astype(np.float32),
        )  # fmt: skip
        seen = note(poses, metadata.prior, grain=30.0)
        both = Sightings.join([seen, seen.move(lambda xy: xy + 1)])
        times: dict[str, list[float]] = {"first merging": [], "planning and packing": [], "merging": []}
        for _ in range(100):
            start = time.thread_time()
            best = merge(seen, sigmas)
            merged = time.thread_time()
            canvas = plan_looks(find_places(best), (720, 1280), np.array([0.3]), options, stride=8, most_pixels=300_000)
            planned = time.thread_time()
            merge(both, sigmas)
            done = time.thread_time()
            for name, value in zip(times, (merged - start, planned - merged, done - planned), strict=True):
                times[name].append(1e3 * value)
        medians = {name: statistics.median(values) for name, values in times.items()}
        parts = ", ".join(f"{name} {value:.2f}" for name, value in medians.items())
        print(f"{count} people, {0 if canvas is None else len(canvas)} looks: {sum(medians.values()):.2f} ms ({parts})")


def main() -> None:
    """Parse, measure, print row by row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--out", type=Path, help="the plot, .png")
    parser.add_argument("--rows", nargs="*", choices=[name for name, _, _ in _ROWS])
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--as-used", action="store_true", help="with the thresholds that predict has")
    parser.add_argument("--gains", action="store_true", help="what looks add to whom, instead")
    parser.add_argument("--times", action="store_true", help="what planning and merging take, instead")
    arguments = parser.parse_args()
    if arguments.times:
        print_times(arguments.model)
        return
    if arguments.data is None:
        parser.error("give DATA")
    if arguments.gains:
        print_gains(arguments.model, arguments.data, limit=arguments.limit)
        return
    rows = [row for row in _ROWS if not arguments.rows or row[0] in arguments.rows]
    print("| what | cost | at most | looks | AP | AP50 | AP75 | AP medium | AP large | AR | seconds |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    measured = measure_rows(arguments.model, arguments.data, rows, limit=arguments.limit, as_used=arguments.as_used)
    if arguments.out:
        write_atomically(arguments.out, encode_picture(plot(measured), ".png"))


if __name__ == "__main__":
    main()
