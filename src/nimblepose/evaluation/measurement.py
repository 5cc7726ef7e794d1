"""How good an estimator is on an annotated set, and what can be written of it."""

import dataclasses
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nimblepose.core.poses import Poses
from nimblepose.core.progress import Progress, say_nothing
from nimblepose.data.coco import Record
from nimblepose.data.sets import AnnotatedSet
from nimblepose.evaluation.coco import Metrics, evaluate
from nimblepose.evaluation.cost import Cost, measure_cost
from nimblepose.evaluation.detect import detect
from nimblepose.evaluation.pixels import Judged, PixelFigures, find_shown_score, judge, summarise
from nimblepose.evaluation.provenance import compute_sha256, describe_run, write_json
from nimblepose.evaluation.worst import find_mistakes, write_mistakes
from nimblepose.media.pictures import MAX_PIXELS
from nimblepose.runtime.estimator import PoseEstimator


@dataclass(frozen=True, eq=False, kw_only=True)
class Measurement:
    """What was measured, and how it came out."""

    estimator: PoseEstimator
    annotated: AnnotatedSet
    detections: Sequence[Mapping[str, Any]]  # COCO results
    metrics: Metrics
    pixels: PixelFigures  # of the poses that would be shown
    seconds: float  # that detecting took, reading included
    looks: float  # per picture, in the mean
    cost: Cost  # per picture, by what the network saw


def measure(
    estimator: PoseEstimator,
    annotated: AnnotatedSet,
    *,
    progress: Progress = say_nothing,
    max_pixels: int = MAX_PIXELS,
) -> Measurement:
    """Detect in all pictures of a set, and compare with its annotations.

    Args:
        estimator: What is measured, with options for ranking if AP is to compare (`FOR_RANKING`).
        annotated: What it is measured on.
        progress: Told after each picture.
        max_pixels: JPEGs with more are read reduced, other files are refused.

    Raises:
        MediaError: a picture that cannot be read.
        DataError: a picture of another size than its annotations are for, or an estimator of other keypoints.
        MissingPackageError: faster-coco-eval is not installed.
    """
    found: list[Poses] = []  # without their people: only what is of the pictures
    judged: list[Judged] = []
    min_score = find_shown_score(estimator)

    def watch(record: Record, poses: Poses) -> None:
        found.append(poses[:0])
        judged.append(judge(poses, record, min_score=min_score))

    start = time.perf_counter()
    detections = detect(
        annotated,
        estimator,
        progress=progress,
        watch=watch,
        max_pixels=max_pixels,
    )
    seconds = time.perf_counter() - start
    return Measurement(
        estimator=estimator,
        annotated=annotated,
        detections=detections,
        metrics=evaluate(annotated, detections),
        pixels=summarise(judged, annotated.skeleton),
        seconds=seconds,
        looks=statistics.mean(0 if poses.looks is None else len(poses.looks) for poses in found),
        cost=measure_cost(found, [record.size for record in annotated.records]),
    )


def write_report(path: Path, measurement: Measurement, *, threads: int, limit: int) -> None:
    """Write the figures with all it takes to repeat them, as JSON.

    Args:
        path: File to write.
        measurement: What to write of.
        threads: As they were given to the estimator.
        limit: As it was given to the set.

    Raises:
        MediaError: it cannot be written.
    """
    file = measurement.annotated.annotations
    categories = measurement.annotated.category_ids
    data = {
        "file": file.name,
        "sha256": compute_sha256(file),
        "category": categories[0],  # of the detections
        "categories": categories,  # of the people
        "limit": limit,
    }
    value = {
        "format": "nimblepose-val",
        "version": 1,
        **describe_run(measurement.estimator, threads=threads),
        "data": data,
        "metrics": measurement.metrics.to_dict(),
        "pixels": measurement.pixels.to_dict(),
        "seconds": round(measurement.seconds, 3),
        "looks": measurement.looks,
        "cost": dataclasses.asdict(measurement.cost),
    }
    write_json(path, value)


def write_worst(folder: Path, measurement: Measurement, *, count: int) -> list[Path]:
    """Draw the `count` worst mistakes of each kind into a folder, and return the files.

    Raises:
        MediaError: the folder cannot be made or written to.
    """
    records, skeleton = measurement.annotated.records, measurement.estimator.skeleton
    return write_mistakes(find_mistakes(records, measurement.detections, skeleton=skeleton, count=count), folder)
