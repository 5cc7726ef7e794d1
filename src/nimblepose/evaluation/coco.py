"""COCO keypoint average precision of detections, for any skeleton.

The measure is the one of cocodataset.org/#keypoints-eval; faster-coco-eval computes it. What goes in is as `data` has
read it, so that what silently changes figures elsewhere (annotation id 0, missing areas, a wrong `num_keypoints`,
detections of another category) does not here.
"""

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nimblepose.core.errors import DataError
from nimblepose.core.optional import import_optional
from nimblepose.core.skeleton import Skeleton
from nimblepose.data.sets import AnnotatedSet

MAX_PEOPLE = 20
"""Detections per picture that count, the best ones, as COCO has it for keypoints."""
_CLASS = 1  # what a skeleton fits is one class, whatever categories a file divides it into


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """COCO keypoint figures in [0, 1]; NaN where there is nobody to measure by, such as no large person at all.

    AP and AR are means over the OKS thresholds 0.50, 0.55 .. 0.95; medium people have an area of 32^2 to 96^2 square
    pixels, large ones more.
    """

    ap: float
    ap50: float
    ap75: float
    ap_medium: float
    ap_large: float
    ar: float
    ar50: float
    ar75: float
    ar_medium: float
    ar_large: float
    pictures: int  # evaluated
    people: int  # annotated with keypoints, crowds aside
    detections: int  # in these pictures; more than `MAX_PEOPLE` in one do not count

    def to_dict(self) -> dict[str, float | int | None]:
        """Plain data for JSON; None for NaN, which JSON lacks."""
        return {key: None if math.isnan(value) else value for key, value in dataclasses.asdict(self).items()}


def evaluate(data: AnnotatedSet, detections: Sequence[Mapping[str, Any]]) -> Metrics:
    """Average precision and recall of detections in the pictures of a set, also those without people.

    Args:
        data: Pictures, people, and the skeleton, which gives the OKS sigmas.
        detections: COCO results, as `Poses.to_coco` gives them; those of other categories are left aside.

    Raises:
        DataError: no pictures, or broken entries among the detections.
        MissingPackageError: faster-coco-eval is not installed.
    """
    if not data.records:
        raise DataError("no picture to evaluate: the file or the choice of its pictures is empty")
    ids = sorted(record.image_id for record in data.records)
    people = _list_people(data)
    found = _list_detections(detections, data, set(ids))
    measured = sum(bool(p["num_keypoints"]) and not p["iscrowd"] for p in people)
    figures = _figures(ids, people, found, data) if measured else [math.nan] * 10
    return Metrics(
        **dict(zip(_FIGURES, figures, strict=True)), pictures=len(ids), people=measured, detections=len(found)
    )


_FIGURES = tuple(field.name for field in dataclasses.fields(Metrics))[:10]  # in the order of the COCO summary


def check_available() -> None:
    """Say before the work, not after it, that something is missing.

    Raises:
        MissingPackageError: faster-coco-eval is not installed.
    """
    import_optional("faster_coco_eval", "average precision")


def select_oks_sigmas(skeleton: Skeleton) -> list[float]:
    """OKS sigmas of the annotated keypoints, in the order of annotation files."""
    return [skeleton.oks_sigmas[i] for i in skeleton.annotated_indices]


def _figures(
    image_ids: Sequence[int], people: list[dict[str, Any]], found: list[dict[str, Any]], data: AnnotatedSet
) -> list[float]:
    """The ten figures of the COCO keypoint summary; NaN where it says -1."""
    check_available()
    from faster_coco_eval import COCO, COCOeval_faster

    images, categories = [{"id": i} for i in image_ids], [{"id": _CLASS}]
    truth = COCO({"images": images, "categories": categories, "annotations": people})
    result = truth.loadRes(found)
    evaluation = COCOeval_faster(
        truth, result, "keypoints", kpt_oks_sigmas=select_oks_sigmas(data.skeleton), print_function=_say_nothing
    )
    evaluation.params.imgIds = list(image_ids)  # also those without people
    evaluation.params.catIds = [_CLASS]
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return [float(value) if value >= 0 else math.nan for value in evaluation.stats]


def _say_nothing(*_: object) -> None:
    """The library prints its summary; whoever calls us prints what they want."""


def _list_people(data: AnnotatedSet) -> list[dict[str, Any]]:
    """Ground truth in the form that COCO's evaluation takes for granted, with ids from 1 (0 means unmatched there)."""
    people: list[dict[str, Any]] = []
    for record in data.records:
        everybody = record.people
        for keypoints, box, area, crowd in zip(
            everybody.keypoints, everybody.boxes, everybody.areas, everybody.crowds, strict=True
        ):
            people.append(
                {
                    "id": len(people) + 1,
                    "image_id": record.image_id,
                    "category_id": _CLASS,
                    "iscrowd": int(crowd),
                    "keypoints": keypoints.ravel().tolist(),
                    "num_keypoints": int((keypoints[:, 2] > 0).sum()),
                    "bbox": box.tolist(),
                    "area": float(area),
                }
            )
    return people


def _list_detections(
    detections: Sequence[Mapping[str, Any]], data: AnnotatedSet, image_ids: Collection[int]
) -> list[dict[str, Any]]:
    found, count = [], len(data.skeleton.annotated)
    for number, detection in enumerate(detections):
        try:
            if int(detection["category_id"]) not in data.category_ids:
                continue
            image_id, score = int(detection["image_id"]), float(detection["score"])
            keypoints = [float(v) for v in detection["keypoints"]]
            if image_id not in data.files:
                raise ValueError(f"the annotations have no picture {image_id}")
            if len(keypoints) != 3 * count:
                raise ValueError(f"expected {count} keypoints of x, y, score, got {len(keypoints)} numbers")
            if not all(map(math.isfinite, [score, *keypoints])):
                raise ValueError("scores and keypoints must be finite")
        except (KeyError, TypeError, ValueError) as error:
            what = f"it lacks {error}" if isinstance(error, KeyError) else error
            raise DataError(f"detection {number}: not a COCO keypoint result for these annotations: {what}") from error
        if image_id in image_ids:
            found.append({"image_id": image_id, "category_id": _CLASS, "keypoints": keypoints, "score": score})
    return found
