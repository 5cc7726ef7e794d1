"""Poses in the formats that people's tools read; each writer turns a run over many pictures into bytes."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nimblepose.core.geometry import Size
from nimblepose.core.poses import Poses

CSV_COLUMNS = ("file", "person", "keypoint", "x", "y", "score")


@dataclass(frozen=True)
class PictureResult:
    """Who was found in one picture."""

    file: str  # path or address as it was given
    size: Size  # (height, width) of the upright picture in pixels
    poses: Poses


def own_json(results: Sequence[PictureResult], model: str) -> bytes:
    """One document: the skeletons once, then per picture its file, size and people with keypoints by name."""
    skeletons = {result.poses.skeleton.name: result.poses.skeleton.to_dict() for result in results}
    pictures = [{"file": r.file, "height": r.size[0], "width": r.size[1], **r.poses.to_dict()} for r in results]
    return _json({"format": "nimblepose", "version": 1, "model": model, "skeletons": skeletons, "pictures": pictures})


def coco_results(results: Sequence[PictureResult]) -> bytes:
    """A list of COCO keypoint results; `image_id` is a file's number as COCO names files, else its place from 1."""
    numbers = [int(stem) if (stem := Path(r.file).stem).isascii() and stem.isdigit() else None for r in results]
    usable = None not in numbers and len(set(numbers)) == len(numbers)
    ids = numbers if usable else range(1, len(results) + 1)
    return _json([row for image_id, r in zip(ids, results, strict=True) for row in r.poses.to_coco(int(image_id or 0))])


def openpose_json(result: PictureResult) -> bytes:
    """One picture as OpenPose writes it, with the canvas size that ControlNet tools expect."""
    return _json(result.poses.to_openpose(result.size))


def tidy_csv(results: Sequence[PictureResult]) -> bytes:
    """One row per found keypoint, columns `CSV_COLUMNS`; x and y in pixels, the first pixel's centre being 0, 0."""
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(CSV_COLUMNS)
    for result in results:
        for person, keypoint, x, y, score, _ in result.poses.to_rows():
            table.writerow((result.file, person, keypoint, f"{x:.2f}", f"{y:.2f}", f"{score:.4f}"))
    return text.getvalue().encode()


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n").encode()
