"""What `predict` draws: AP with its thresholds, how many of its poses are right, how many people it finds, by size.

    python benchmarks/use_study.py DATA/ [--looks 256 368 balanced ...] [--model MODEL] [--limit N]

DATA is a folder in COCO layout. Only its completely labelled pictures count, and in them everybody who has keypoints.
A pose is right if its OKS with somebody is 0.3 or more; one that is not, but lies mostly where somebody may be who is
not labelled, is left aside. People are found at the OKS named. Keypoints near are those of right poses that are within
two standard deviations of OKS of their label (a likeness of 0.1). `--looks` are ways of looking
(`ways_of_looking.py`). Sizes are the square roots of areas, in pixels.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ways_of_looking import open_estimator

from nimblepose import Poses
from nimblepose.codec.options import DecodeOptions
from nimblepose.core.oks import compute_oks
from nimblepose.core.skeleton import HUMAN_18
from nimblepose.data.coco import Record
from nimblepose.data.regions import paint_regions
from nimblepose.data.sets import AnnotatedSet, locate_set, read_annotated
from nimblepose.evaluation.coco import MAX_PEOPLE, evaluate, select_oks_sigmas
from nimblepose.runtime.estimator import PoseEstimator

RIGHT = 0.3  # OKS
STRICT = 0.5  # OKS
NEAR = 0.1  # likeness of a keypoint to its label
SIZES = ((0, 64), (64, 96), (96, 160), (160, np.inf))


@dataclass
class Tally:
    """What is counted over pictures."""

    right: list[bool] = field(default_factory=list)  # of each pose that counts
    best: list[float] = field(default_factory=list)  # of each person, the highest OKS of a pose
    sizes: list[float] = field(default_factory=list)  # of each person
    near: list[bool] = field(default_factory=list)  # of each keypoint that both right pose and label have
    detections: list[dict[str, Any]] = field(default_factory=list)

    def add(self, record: Record, poses: Poses) -> None:
        """Count one picture."""
        annotated = poses.skeleton.annotated_indices
        sigmas = np.array(select_oks_sigmas(poses.skeleton))
        found, labels = poses.keypoints[:, annotated], record.xy[:, annotated]
        alike = compute_oks(found, labels, oks_sigmas=sigmas, area=record.areas)  # (N, M)
        right = alike.max(axis=1, initial=0) >= RIGHT
        self.right += right[right | ~lie_on_ignored(poses, record)].tolist()
        self.best += alike.max(axis=0, initial=0).tolist()
        self.sizes += np.sqrt(record.areas).tolist()
        for i in np.flatnonzero(right):
            person = alike[i].argmax()
            squared = ((found[i] - labels[person]).astype(np.float64) ** 2).sum(axis=1)
            likeness = np.exp(-squared / (2 * record.areas[person] * (2 * sigmas) ** 2))
            self.near += (likeness[~np.isnan(likeness)] > NEAR).tolist()


def lie_on_ignored(poses: Poses, record: Record) -> NDArray[np.bool_]:
    """Poses of which most keypoints lie where somebody may be who is not labelled, (N,)."""
    mask = paint_regions(record.ignore, record.size)
    last = np.array(record.size[::-1]) - 1
    x, y = np.moveaxis(np.rint(np.nan_to_num(poses.keypoints)).clip(0, last).astype(int), -1, 0)
    return np.asarray(2 * (mask[y, x] & poses.found).sum(axis=1) > poses.found.sum(axis=1))


def count(data: AnnotatedSet, estimator: PoseEstimator) -> Tally:
    """Look at every picture."""
    tally = Tally()
    stream = estimator.stream(read_annotated(record).picture for record in data.records)
    for record, poses in zip(data.records, stream, strict=True):
        tally.add(record, poses)
        tally.detections += poses.to_coco(record.image_id, category_id=data.category_ids[0], max_people=MAX_PEOPLE)
    return tally


def main() -> None:
    """Print a row for each way of looking."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--looks", nargs="+", default=["256", "368"])
    parser.add_argument("--model", type=Path)
    parser.add_argument("--limit", type=int, default=0)
    args = parser.parse_args()
    data = AnnotatedSet.read(*locate_set(args.data), HUMAN_18, limit=args.limit, keep=lambda record: not record.partial)
    tallies = {way: count(data, open_estimator(args.model, way, decode=DecodeOptions())) for way in args.looks}
    people = sum(len(record.xy) for record in data.records)
    print(f"{args.data.name}: {people} people in {len(data.records)} pictures\n")
    sizes = " | ".join(f"{low} to {high:.0f} pixels" if high < np.inf else f"{low} and more" for low, high in SIZES)
    head = f"| looks | AP | right | people found | at OKS {STRICT} | keypoints near | poses | {sizes} |"
    print(head + "\n" + "|---" * (7 + len(SIZES)) + "|")
    for way, tally in tallies.items():
        best, size = np.array(tally.best), np.array(tally.sizes)
        figures = [
            evaluate(data, tally.detections).ap,
            share(tally.right),
            share(best >= RIGHT),
            share(best >= STRICT),
            share(tally.near),
        ]
        by_size = [share(best[(size >= low) & (size < high)] >= RIGHT) for low, high in SIZES]
        cells = [*(f"{value:.3f}" for value in figures), str(len(tally.right)), *(f"{value:.3f}" for value in by_size)]
        print(f"| {way} | {' | '.join(cells)} |")


def share(values: Sequence[bool] | NDArray[np.bool_]) -> float:
    """How many are, NaN of none."""
    return float(np.mean(values)) if len(values) else float("nan")


if __name__ == "__main__":
    main()
