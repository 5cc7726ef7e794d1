"""An annotated set as the COCO file that training and `val` read, with what COCO has no place for beside it."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.geometry import Size, to_corner
from nimblepose.data.entries import AREA_OF_BOX, bound_keypoints
from nimblepose.labels.label_set import Category, Label, LabelledPicture

_DIGITS = 6  # of a pixel: places come back as they were


def encode_set(
    categories: Sequence[Category], pictures: Sequence[tuple[LabelledPicture, str, Size]], *, tool: str
) -> dict[str, Any]:
    """A COCO file: ids from 1, boxes and areas for everybody, keypoints that nobody labelled as 0, 0, 0.

    Besides COCO's own, pictures have `video` and `frame`, annotations `identity`, `track_id` (a number for each
    identity of a video), `scorer` and, of what a model found, `score`, `keypoint_scores` and `keypoint_errors`, where
    they are known.

    Args:
        categories: In the order of their ids.
        pictures: Each with its file's name and (height, width).
        tool: Whose labels they were.
    """
    numbers = {category.name: number for number, category in enumerate(categories, 1)}
    tracks: dict[tuple[str, str], int] = {}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, (picture, file_name, (height, width)) in enumerate(pictures, 1):
        image: dict[str, Any] = {"id": image_id, "file_name": file_name, "height": height, "width": width}
        if picture.video:
            image["video"] = picture.video
        if picture.frame is not None:
            image["frame"] = picture.frame
        if picture.time is not None:
            image["time"] = picture.time
        if picture.partial:
            image["labels"] = "partial"
        images.append(image)
        for label in picture.labels:
            annotation: dict[str, Any] = {
                "id": len(annotations) + 1,
                "image_id": image_id,
                "category_id": numbers[label.category],
            }
            annotation |= encode_label(label)
            if label.identity:
                annotation["identity"] = label.identity
                annotation["track_id"] = tracks.setdefault((picture.video, label.identity), len(tracks) + 1)
            annotations.append(annotation)
    return {
        "info": {"description": f"labels of {tool}, written by nimblepose"},
        "images": images,
        "annotations": annotations,
        "categories": [encode_category(category, numbers[category.name]) for category in categories],
    }


def encode_category(category: Category, number: int) -> dict[str, Any]:
    """An entry of `categories`; limbs count keypoints from 1."""
    order = {name: i for i, name in enumerate(category.keypoints, 1)}
    limbs = [[order[a], order[b]] for a, b in category.limbs]
    return {"id": number, "name": category.name, "keypoints": list(category.keypoints), "skeleton": limbs}


def encode_label(label: Label) -> dict[str, Any]:
    """Keypoints, box, area and where it comes from; nothing of ids."""
    placed = np.asarray(np.isfinite(label.xy).all(axis=1))
    flags = np.where(placed, label.visibility, 0)
    corners = np.where(placed[:, None], to_corner(np.nan_to_num(label.xy)), 0)
    table: NDArray[np.float64] = np.column_stack([corners, flags]).round(_DIGITS)
    box = label.box if label.box is not None and min(label.box[2:]) > 0 else bound_keypoints(table)
    box = np.asarray(box, np.float64).round(_DIGITS)
    value: dict[str, Any] = {
        "keypoints": [int(v) if v == int(v) else v for v in table.ravel().tolist()],
        "num_keypoints": int((flags > 0).sum()),
        "bbox": box.tolist(),
        "area": float(label.extra.get("area", round(float(box[2] * box[3]) * AREA_OF_BOX, _DIGITS))),
        "iscrowd": int(label.extra.get("iscrowd", 0)),
    }
    return value | _encode_source(label)


def _encode_source(label: Label) -> dict[str, Any]:
    value: dict[str, Any] = {}
    if "segmentation" in label.extra:
        value["segmentation"] = label.extra["segmentation"]
    if label.scorer:
        value["scorer"] = label.scorer
    if label.score is not None:
        value["score"] = round(label.score, _DIGITS)
    if label.keypoint_scores is not None:
        value["keypoint_scores"] = [round(float(score), _DIGITS) for score in label.keypoint_scores]
    if label.keypoint_errors is not None:
        errors = label.keypoint_errors.round(_DIGITS).tolist()
        value["keypoint_errors"] = [error if math.isfinite(error) else None for error in errors]
    return value
