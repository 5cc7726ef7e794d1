"""COCO keypoint average precision of detections, for any skeleton.

The measure is the one of cocodataset.org/#keypoints-eval; faster-coco-eval computes it. What goes in is cleaned first,
so that what silently changes figures elsewhere (annotation id 0, missing areas, a wrong `num_keypoints`, detections of
another category) does not here.
"""

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nimblepose.core.errors import DataError
from nimblepose.core.optional import import_optional
from nimblepose.core.skeleton import Skeleton
from nimblepose.data.coco import AREA_OF_BOX, match_category

MAX_PEOPLE = 20
"""Detections per picture that count, the best ones, as COCO has it for keypoints."""


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


def evaluate(
    ground_truth: Mapping[str, Any],
    detections: Sequence[Mapping[str, Any]],
    *,
    skeleton: Skeleton,
    image_ids: Collection[int] | None = None,
    category_id: int | None = None,
) -> Metrics:
    """Average precision and recall of detections.

    Args:
        ground_truth: A parsed COCO keypoint file (`nimblepose.data.coco.read_json`); it is not changed.
        detections: COCO results, as `Poses.to_coco` gives them; those of other categories are left aside.
        skeleton: Gives the keypoints and the OKS sigmas.
        image_ids: Pictures to evaluate, also those without people, where every detection is false; None takes all
            pictures of the file.
        category_id: The category; None takes the one with the keypoints of the skeleton.

    Raises:
        DataError: the file has other keypoints or lacks a picture, or entries are broken.
        MissingPackageError: faster-coco-eval is not installed.
    """
    category = find_category(ground_truth, skeleton, category_id)
    images = [int(image["id"]) for image in ground_truth["images"]]
    chosen = images if image_ids is None else sorted({int(i) for i in image_ids})
    if not chosen:
        raise DataError("no picture to evaluate: the file or the choice of image_ids is empty")
    if unknown := set(chosen) - set(images):
        raise DataError(f"the annotations have no picture {min(unknown)}, nor {len(unknown) - 1} others of image_ids")
    keypoint_count = len(skeleton.annotated)
    people = _clean_people(ground_truth["annotations"], category, set(chosen), keypoint_count)
    found = _clean_detections(detections, category, set(images), set(chosen), keypoint_count)
    measured = sum(bool(p["num_keypoints"]) and not p["iscrowd"] for p in people)
    figures = _compute_figures(chosen, people, found, category, skeleton) if measured else [math.nan] * 10
    return Metrics(
        **dict(zip(_FIGURES, figures, strict=True)), pictures=len(chosen), people=measured, detections=len(found)
    )


_FIGURES = tuple(field.name for field in dataclasses.fields(Metrics))[:10]  # in the order of the COCO summary


def check_available() -> None:
    """Say before the work, not after it, that something is missing.

    Raises:
        MissingPackageError: faster-coco-eval is not installed.
    """
    import_optional("faster_coco_eval", "average precision")


def find_category(ground_truth: Mapping[str, Any], skeleton: Skeleton, category_id: int | None = None) -> int:
    """The category that has the keypoints of the skeleton; the given one is checked.

    Raises:
        DataError: there is none, or the given one has other keypoints; the message shows both.
    """
    if category_id is None:
        return match_category(ground_truth, skeleton, "the annotations")
    only = [c for c in ground_truth["categories"] if c.get("id") == category_id]
    if not only:
        known = {c.get("id"): c.get("name") for c in ground_truth["categories"]}
        raise DataError(f"the annotations have no category {category_id}; they have {known}")
    return match_category({"categories": only}, skeleton, f"category {category_id}")


def select_oks_sigmas(skeleton: Skeleton) -> list[float]:
    """OKS sigmas of the annotated keypoints, in the order of annotation files."""
    return [skeleton.oks_sigmas[i] for i in skeleton.annotated_indices]


def _compute_figures(
    image_ids: Sequence[int],
    people: list[dict[str, Any]],
    found: list[dict[str, Any]],
    category: int,
    skeleton: Skeleton,
) -> list[float]:
    """The ten figures of the COCO keypoint summary; NaN where it says -1."""
    check_available()
    from faster_coco_eval import COCO, COCOeval_faster

    images, categories = [{"id": i} for i in image_ids], [{"id": category}]
    truth = COCO({"images": images, "categories": categories, "annotations": people})
    result = truth.loadRes(found)
    evaluation = COCOeval_faster(
        truth, result, "keypoints", kpt_oks_sigmas=select_oks_sigmas(skeleton), print_function=_say_nothing
    )
    evaluation.params.imgIds = list(image_ids)  # also those without people
    evaluation.params.catIds = [category]
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return [float(value) if value >= 0 else math.nan for value in evaluation.stats]


def _say_nothing(*_: object) -> None:
    """The library prints its summary; whoever calls us prints what they want."""


def _clean_people(
    annotations: Sequence[Mapping[str, Any]], category: int, image_ids: Collection[int], keypoint_count: int
) -> list[dict[str, Any]]:
    """Ground truth in the form that COCO's evaluation takes for granted, with ids from 1 (0 means unmatched there)."""
    people: list[dict[str, Any]] = []
    for annotation in annotations:
        if annotation.get("category_id") != category or annotation.get("image_id") not in image_ids:
            continue
        try:
            keypoints = [float(v) for v in annotation.get("keypoints") or [0.0] * 3 * keypoint_count]
            if len(keypoints) != 3 * keypoint_count or not all(map(math.isfinite, keypoints)):
                raise ValueError(f"expected {keypoint_count} keypoints of x, y, visibility")
            box = [float(v) for v in annotation.get("bbox") or _bound_keypoints(keypoints)]
            area = annotation.get("area")
            people.append(
                {
                    "id": len(people) + 1,
                    "image_id": int(annotation["image_id"]),
                    "category_id": category,
                    "iscrowd": int(annotation.get("iscrowd") or 0),
                    "keypoints": keypoints,
                    "num_keypoints": sum(v > 0 for v in keypoints[2::3]),
                    "bbox": box,
                    "area": float(area) if area else box[2] * box[3] * AREA_OF_BOX,
                }
            )
        except (TypeError, ValueError, IndexError) as error:
            raise DataError(f"annotation {annotation.get('id')}: broken entry ({error})") from error
    return people


def _bound_keypoints(keypoints: Sequence[float]) -> list[float]:
    """Smallest box around the labelled keypoints as x, y, width, height; of no size where none is labelled."""
    xy = np.array(keypoints).reshape(-1, 3)
    xy = xy[xy[:, 2] > 0, :2]
    if not len(xy):
        return [0.0] * 4
    low, high = xy.min(axis=0), xy.max(axis=0)
    return [*low.tolist(), *(high - low).tolist()]


def _clean_detections(
    detections: Sequence[Mapping[str, Any]],
    category: int,
    known: Collection[int],
    image_ids: Collection[int],
    keypoint_count: int,
) -> list[dict[str, Any]]:
    found = []
    for number, detection in enumerate(detections):
        try:
            if int(detection["category_id"]) != category:
                continue
            image_id, score = int(detection["image_id"]), float(detection["score"])
            keypoints = [float(v) for v in detection["keypoints"]]
            if image_id not in known:
                raise ValueError(f"the annotations have no picture {image_id}")
            if len(keypoints) != 3 * keypoint_count:
                raise ValueError(f"expected {keypoint_count} keypoints of x, y, score, got {len(keypoints)} numbers")
            if not all(map(math.isfinite, [score, *keypoints])):
                raise ValueError("scores and keypoints must be finite")
        except (KeyError, TypeError, ValueError) as error:
            what = f"it lacks {error}" if isinstance(error, KeyError) else error
            raise DataError(f"detection {number}: not a COCO keypoint result for these annotations: {what}") from error
        if image_id in image_ids:
            found.append({"image_id": image_id, "category_id": category, "keypoints": keypoints, "score": score})
    return found
