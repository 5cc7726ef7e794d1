"""Find what ruins training runs before they begin: pictures and annotations that contradict each other."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.errors import DataError, MediaError
from nimblepose.core.skeleton import Skeleton
from nimblepose.data.coco import match_category, read_json
from nimblepose.media.pictures import read_picture

_FEW = 5  # examples that a finding names
_TOLERANCE = 1.0  # pixels that labels may lie outside of the picture: rounding
_MIN_PEOPLE = 20  # for statistics about left and right


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One kind of fault, how often it was found, and where."""

    kind: str
    severity: Literal["error", "warning"]  # errors stop a run or teach it nonsense
    message: str
    count: int
    examples: tuple[str, ...]


def locate(folder: Path) -> list[tuple[Path, Path]]:
    """Annotation files of a folder (or its `annotations/`), each with the folder of its pictures.

    Raises:
        DataError: there is no folder, or no annotation file in it.
    """
    files = [path for place in (folder, folder / "annotations") for path in sorted(place.glob("*.json*"))]
    files = [path for path in files if path.name.endswith((".json", ".json.gz"))]
    if not files:
        raise DataError(f"{folder}: no annotation file (*.json, *.json.gz) here or in {folder / 'annotations'}")
    images = folder / "images"
    return [(path, images if images.is_dir() else folder) for path in files]


def check(annotations: Path, images: Path, skeleton: Skeleton, *, read_pictures: bool = True) -> list[Finding]:
    """All faults of one annotation file and its pictures; empty if it is sound.

    Args:
        annotations: COCO keypoint file.
        images: Folder of its pictures.
        skeleton: What the run will use.
        read_pictures: Decode every picture, the slow part; else only look whether it is there.

    Raises:
        DataError: the file is not COCO at all.
    """
    coco = read_json(annotations)
    found = [*_check_ids(coco), *_check_categories(coco, skeleton, annotations)]
    found += _check_pictures(coco, images, read_pictures=read_pictures)
    found += _check_people(coco, skeleton)
    return found


def _collect_findings(rows: Iterable[tuple[str, Literal["error", "warning"], str, str]]) -> Iterator[Finding]:
    """Collect (kind, severity, message, example) rows into one finding per kind."""
    groups: dict[str, list[tuple[str, Literal["error", "warning"], str, str]]] = {}
    for row in rows:
        groups.setdefault(row[0], []).append(row)
    for kind, same in groups.items():
        examples = tuple(row[3] for row in same[:_FEW])
        yield Finding(kind=kind, severity=same[0][1], message=same[0][2], count=len(same), examples=examples)


def _check_ids(coco: Mapping[str, Any]) -> Iterator[Finding]:
    def list_rows() -> Iterator[tuple[str, Literal["error", "warning"], str, str]]:
        for what, key, values in (
            ("picture ids", "id", coco["images"]),
            ("annotation ids", "id", coco["annotations"]),
            ("file names", "file_name", coco["images"]),
        ):
            for value, count in Counter(entry.get(key) for entry in values).items():
                if count > 1:
                    yield f"duplicate {what}", "error", "must be unique", f"{value} ({count} times)"
        known = {image.get("id") for image in coco["images"]}
        for a in coco["annotations"]:
            if a.get("image_id") not in known:
                yield "annotations of no picture", "error", "image_id names no picture of the file", f"{a.get('id')}"

    yield from _collect_findings(list_rows())


def _check_categories(coco: Mapping[str, Any], skeleton: Skeleton, source: object) -> Iterator[Finding]:
    try:
        match_category(coco, skeleton, source)
    except DataError as error:
        yield Finding(kind="wrong skeleton", severity="error", message=str(error), count=1, examples=())
    used = Counter(a.get("category_id") for a in coco["annotations"])
    empty = [f"{c.get('name')} ({c.get('id')})" for c in coco["categories"] if not used[c.get("id")]]
    if empty:
        yield Finding(
            kind="empty categories",
            severity="warning",
            message="no annotation is of this category",
            count=len(empty),
            examples=tuple(empty[:_FEW]),
        )


def _check_pictures(coco: Mapping[str, Any], images: Path, *, read_pictures: bool) -> Iterator[Finding]:
    def list_rows() -> Iterator[tuple[str, Literal["error", "warning"], str, str]]:
        for image in coco["images"]:
            name, path = str(image.get("file_name")), images / str(image.get("file_name"))
            if not path.is_file():
                yield "missing pictures", "error", f"not in {images}", name
            elif read_pictures:
                try:
                    height, width = read_picture(path).shape[:2]
                except MediaError as error:
                    yield "unreadable pictures", "error", "cannot be decoded", f"{name}: {error}"
                    continue
                said = (image.get("height"), image.get("width"))
                if said != (height, width):
                    message = "the file says another (height, width) than the picture has, so labels lie elsewhere"
                    yield "sizes that disagree", "error", message, f"{name}: says {said}, is {(height, width)}"

    yield from _collect_findings(list_rows())


def _check_people(coco: Mapping[str, Any], skeleton: Skeleton) -> Iterator[Finding]:
    sizes = {image.get("id"): (image.get("width", 0), image.get("height", 0)) for image in coco["images"]}
    count = len(skeleton.annotated)
    sound: list[NDArray[np.float64]] = []

    def list_rows() -> Iterator[tuple[str, Literal["error", "warning"], str, str]]:
        for a in coco["annotations"]:
            if a.get("image_id") not in sizes or a.get("iscrowd"):
                continue
            who, (width, height) = f"annotation {a.get('id')}", sizes[a["image_id"]]
            x, y, w, h = a.get("bbox") or (0, 0, 0, 0)
            if w <= 0 or h <= 0:
                yield "boxes of no size", "error", "width and height must be positive", f"{who}: {a.get('bbox')}"
            elif min(x, y) < -_TOLERANCE or x + w > width + _TOLERANCE or y + h > height + _TOLERANCE:
                yield (
                    "boxes outside",
                    "warning",
                    "reach out of the picture",
                    f"{who}: {[x, y, w, h]} in {width}x{height}",
                )
            keypoints = a.get("keypoints") or []
            if not keypoints:
                continue
            if len(keypoints) != 3 * count:
                message = f"expected {count} keypoints of x, y, visibility"
                yield "broken keypoints", "error", message, f"{who}: {len(keypoints)} numbers"
                continue
            table = np.array(keypoints, np.float64).reshape(-1, 3)
            seen = table[:, 2] > 0
            xy = table[seen, :2]
            if len(xy) and ((xy < -_TOLERANCE) | (xy > np.array([width, height]) + _TOLERANCE)).any():
                yield "keypoints outside", "error", "lie out of the picture", f"{who} in {width}x{height}"
            if "num_keypoints" in a and a["num_keypoints"] != seen.sum():
                message = "differs from the number of labelled keypoints"
                yield "num_keypoints wrong", "warning", message, f"{who}: says {a['num_keypoints']}, has {seen.sum()}"
            sound.append(np.where(seen[:, None], table[:, :2], np.nan))

    yield from _collect_findings(list_rows())
    yield from _check_sides(np.array(sound).reshape(-1, count, 2), skeleton)


def _check_sides(xy: NDArray[np.float64], skeleton: Skeleton) -> Iterator[Finding]:
    """Pairs whose left and right are swapped, statistically.

    From right to left, all pairs of a body point roughly the same way: a pair that points against the others in most
    people, (N, A, 2) annotated keypoints, is labelled the wrong way round.
    """
    order = {name: i for i, name in enumerate(skeleton.annotated)}
    pairs = [(a, b) for a, b in skeleton.mirror_pairs if a in order and b in order]
    if len(pairs) < 3:  # of two that disagree one cannot say which is wrong
        return
    across = np.stack([xy[:, order[a]] - xy[:, order[b]] for a, b in pairs], axis=1)  # (N, pairs, 2)
    across = np.nan_to_num(across / np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-9))
    others = across.sum(axis=1, keepdims=True) - across
    agreement = (across * others).sum(-1)  # (N, pairs)
    for (a, b), values in zip(pairs, agreement.T, strict=True):
        values = values[values != 0]
        share = float((values > 0).mean()) if len(values) >= _MIN_PEOPLE else 1.0
        if share < 0.5 - 1 / len(values) ** 0.5:  # two standard deviations of a fair coin
            yield Finding(
                kind="left and right swapped",
                severity="error",
                message=f"{a} and {b} point against the other pairs in {1 - share:.0%} of {len(values)} people",
                count=len(values),
                examples=(f"{a} / {b}",),
            )
