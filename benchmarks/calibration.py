"""Are keypoints as far off as `Poses.keypoint_errors` says? Shares within one and two of it, by size and by keypoint.

    python benchmarks/calibration.py DATA/ [--looks 256 368 balanced ...] [--model MODEL] [--limit N] [--out PLOT.png]

DATA is a folder in COCO layout, of pictures that the model has not learnt from. A pose is somebody's from an OKS of 0.5
on, completed by the prior where the model has one; of its keypoints those count that were seen and are annotated. Where
errors are normally distributed, as far along x as along y, 0.393 lie within one and 0.865 within two. `--looks` are
ways of looking (`ways_of_looking.py`), with the thresholds of use. Sizes are square roots of areas, in pixels. Prints
Markdown tables; the plot shows how far off keypoints are, over what was expected.
"""

import argparse
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ways_of_looking import open_estimator

from nimblepose.codec.options import DecodeOptions
from nimblepose.core.errors import ModelError
from nimblepose.core.oks import compute_oks
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import HUMAN_18, Skeleton
from nimblepose.data.coco import Record
from nimblepose.data.sets import AnnotatedSet, locate_set, read_annotated
from nimblepose.evaluation.coco import select_oks_sigmas
from nimblepose.runtime.estimator import PoseEstimator

SAME = 0.5  # OKS
SHARES = (1 - np.exp(-1 / 2), 1 - np.exp(-2))
SIZES = ((0, 48), (48, 64), (64, 96), (96, 160), (160, np.inf))
BINS = 12  # of the plot
Floats = NDArray[np.floating]


@dataclass
class Tally:
    """What is known of keypoints."""

    kinds: list[int] = field(default_factory=list)
    expected: list[float] = field(default_factory=list)  # pixels
    distances: list[float] = field(default_factory=list)  # pixels
    sizes: list[float] = field(default_factory=list)  # of their people, pixels

    def add(self, record: Record, poses: Poses) -> None:
        """Count one picture."""
        if poses.keypoint_errors is None:
            raise ModelError("the model does not know what keypoints are worth; see `nimblepose model poses`")
        annotated, sigmas = poses.skeleton.annotated_indices, np.array(select_oks_sigmas(poses.skeleton))
        labels = record.xy[:, annotated]
        alike = compute_oks(poses.keypoints[:, annotated], labels, oks_sigmas=sigmas, area=record.areas)
        for i in np.flatnonzero(alike.max(axis=1, initial=0) >= SAME).tolist():
            person = int(alike[i].argmax())
            way = poses.keypoints[i, annotated] - labels[person]
            distances, expected = np.hypot(way[:, 0], way[:, 1]), poses.keypoint_errors[i, annotated]
            counted = np.flatnonzero(~np.isnan(distances) & ~np.isnan(expected))
            self.kinds += [annotated[k] for k in counted.tolist()]
            self.expected += expected[counted].tolist()
            self.distances += distances[counted].tolist()
            self.sizes += [float(np.sqrt(record.areas[person]))] * len(counted)


def count(data: AnnotatedSet, estimator: PoseEstimator) -> Tally:
    """Look at every picture."""
    tally = Tally()
    stream = estimator.stream(read_annotated(record).picture for record in data.records)
    for record, poses in zip(data.records, stream, strict=True):
        tally.add(record, poses)
    return tally


def list_rows(tally: Tally, skeleton: Skeleton) -> Iterable[tuple[str, NDArray[np.bool_]]]:
    """What is looked at by itself: everything, people of each size, each kind of keypoint."""
    sizes, kinds = np.array(tally.sizes), np.array(tally.kinds)
    yield "all", np.ones(len(sizes), bool)
    for low, high in SIZES:
        yield f"{low} to {high:.0f} pixels" if high < np.inf else f"{low} and more", (sizes >= low) & (sizes < high)
    for kind in dict.fromkeys(skeleton.annotated_indices):
        yield skeleton.keypoints[kind], kinds == kind


def tabulate(tally: Tally, skeleton: Skeleton) -> str:
    """Shares within one and two expected errors, and what is off by more than 0.05, as Markdown."""
    distances, expected = np.array(tally.distances), np.array(tally.expected)
    lines = [
        "| | keypoints | off, median | expected, median | within 1 | within 2 | |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, chosen in list_rows(tally, skeleton):
        if not chosen.any():
            continue
        off, error = distances[chosen], expected[chosen]
        shares = [float((off < times * error).mean()) for times in (1, 2)]
        worst = max(abs(share - wanted) for share, wanted in zip(shares, SHARES, strict=True))
        told = f"off by {worst:.3f}" if worst > 0.05 else ""
        cells = [f"{np.median(off):.2f}", f"{np.median(error):.2f}", *(f"{share:.3f}" for share in shares)]
        lines.append(f"| {name} | {chosen.sum()} | {' | '.join(cells)} | {told} |")
    return "\n".join(lines)


def plot(path: Path, tallies: dict[str, Tally]) -> None:
    """On the left how far off keypoints are over what was expected, on the right the shares within multiples of it."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    least, most = np.inf, 0.0
    for name, tally in tallies.items():
        distances, expected = np.array(tally.distances), np.array(tally.expected)
        parts = np.array_split(np.argsort(expected), BINS)
        middles = [float(np.median(expected[part])) for part in parts]
        (line,) = left.plot(middles, [_take_quantile(distances, part, 0) for part in parts], "o-", label=name)
        left.plot(middles, [_take_quantile(distances, part, 1) / 2 for part in parts], "s--", color=line.get_color())
        least, most = min(least, *middles), max(most, *middles)
        times = np.linspace(0, 4, 81)
        right.plot(times, [(distances < n * expected).mean() for n in times], label=name)
    left.plot([least, most], [least, most], "k:")
    left.set(
        xscale="log", yscale="log", xlabel="expected, pixels", ylabel="39 % lie within (dashed: 86 %, half), pixels"
    )
    right.plot(times, 1 - np.exp(-(times**2) / 2), "k:", label="normal distribution")
    right.set(xlabel="expected errors", ylabel="share of keypoints within", xlim=(0, 4), ylim=(0, 1))
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=110)


def _take_quantile(distances: Floats, part: NDArray[np.intp], which: int) -> float:
    return float(np.quantile(distances[part], SHARES[which]))


def main() -> None:
    """Print a table for each way of looking."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--looks", nargs="+", default=["256", "368", "balanced"])
    parser.add_argument("--model", type=Path)
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--out", type=Path, help="the plot, .png")
    arguments = parser.parse_args()
    data = AnnotatedSet.read(
        *locate_set(arguments.data), HUMAN_18, limit=arguments.limit, keep=lambda record: len(record.xy) > 0
    )
    tallies: dict[str, Any] = {}
    for way in arguments.looks:
        tallies[way] = count(data, open_estimator(arguments.model, way, decode=DecodeOptions(complete=True)))
        print(f"{arguments.data.name}, {way}\n\n{tabulate(tallies[way], HUMAN_18)}\n", flush=True)
    if arguments.out:
        plot(arguments.out, tallies)


if __name__ == "__main__":
    main()
