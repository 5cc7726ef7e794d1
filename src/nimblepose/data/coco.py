"""COCO annotation files -> records: per picture, everybody's keypoints as one array and the regions to leave out.

The files are read as they are: no private format. Coordinates become pixel centres (COCO counts from the corner of
the first pixel, so half a pixel is subtracted).
"""

import gzip
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.errors import DataError
from nimblepose.core.geometry import Size, from_corner
from nimblepose.core.skeleton import Skeleton
from nimblepose.data.regions import Region

_MAX_FILE_BYTES = 4 << 30  # COCO's own training annotations have 0.25 GB
AREA_OF_BOX = 0.5  # body area over box area, where a file gives no area: the mean of COCO people is 0.505


@dataclass(frozen=True, eq=False)
class Record:
    """One annotated picture.

    Attributes:
        image_id: As in the file.
        path: Of the picture.
        size: (height, width) in pixels, as the file says.
        xy: (N, K, 2) float32 pixel centres of the people with keypoints; NaN where not labelled.
        boxes: (N, 4) float32, x, y, width, height in pixels.
        areas: (N,) float32, square pixels.
        ignore: Where somebody may be who is not labelled: crowds, and people without keypoints.
        partial: Whether people may be missing altogether; the picture's entry says so by `"labels": "partial"`.
    """

    image_id: int
    path: Path
    size: Size
    xy: NDArray[np.float32]
    boxes: NDArray[np.float32]
    areas: NDArray[np.float32]
    ignore: tuple[Region, ...]
    partial: bool = False


def load_records(annotations: Sequence[Path], images: Sequence[Path], skeleton: Skeleton) -> list[Record]:
    """All pictures of the annotation files, in file order.

    Args:
        annotations: COCO keypoint files, `.json` or `.json.gz`.
        images: For each file the folder of its pictures.
        skeleton: Must have the keypoints of the files' category, in their order (derived ones aside).

    Raises:
        DataError: a file that cannot be read, is not COCO, contradicts itself or has other keypoints.
    """
    if len(annotations) != len(images):
        raise DataError(f"{len(annotations)} annotation files but {len(images)} picture folders: give one for each")
    return [r for a, i in zip(annotations, images, strict=True) for r in build_records(read_json(a), i, skeleton, a)]


def read_json(path: Path) -> dict[str, Any]:
    """Parse a COCO file, gzipped or not, and check its outline.

    Raises:
        DataError: unreadable, too large, not JSON, or without images, annotations and categories.
    """
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            content = file.read(_MAX_FILE_BYTES + 1)
        if len(content) > _MAX_FILE_BYTES:
            raise DataError(f"{path}: more than {_MAX_FILE_BYTES} bytes; split the annotations into several files")
        value = json.loads(content)
    except (OSError, EOFError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: cannot be read as COCO annotations ({error})") from error
    lists = ("images", "annotations", "categories")
    if not isinstance(value, dict) or not all(isinstance(value.get(key), list) for key in lists):
        raise DataError(f"{path}: not a COCO file; expected a JSON object with the lists {', '.join(lists)}")
    return value


def build_records(
    coco: Mapping[str, Any], images: Path, skeleton: Skeleton, source: object = "annotations"
) -> list[Record]:
    """Records of one parsed file; `source` is named in errors.

    Raises:
        DataError: other keypoints than the skeleton's, unknown pictures, broken entries.
    """
    category = match_category(coco, skeleton, source)
    people: dict[int, list[Mapping[str, Any]]] = {int(image["id"]): [] for image in coco["images"]}
    if len(people) != len(coco["images"]):
        raise DataError(f"{source}: picture ids stand there more than once; see `nimblepose data check`")
    for annotation in coco["annotations"]:
        if annotation.get("category_id") == category:
            try:
                people[int(annotation["image_id"])].append(annotation)
            except (KeyError, TypeError, ValueError) as error:
                raise DataError(
                    f"{source}: annotation {annotation.get('id')} belongs to no picture of the file ({error!r})"
                ) from error
    return [_build_record(image, people[int(image["id"])], images, skeleton, source) for image in coco["images"]]


def match_category(coco: Mapping[str, Any], skeleton: Skeleton, source: object) -> int:
    """Id of the one category whose keypoints are the skeleton's annotated ones, in the same order.

    Raises:
        DataError: there is none; the message shows what differs.
    """
    wanted = list(skeleton.annotated)
    for category in coco["categories"]:
        if category.get("keypoints") == wanted:
            return int(category["id"])
    seen = {c.get("name"): c.get("keypoints") for c in coco["categories"] if c.get("keypoints")}
    raise DataError(
        f"{source}: no category has the keypoints of skeleton {skeleton.name!r}, {wanted}, in this order; "
        f"the file has {seen or 'no category with keypoints'}"
    )


def is_completely_labelled(image: Mapping[str, Any]) -> bool:
    """Whether the labels of a picture, by its entry in the file, miss nobody: `labels` is absent or "complete"."""
    return bool(image.get("labels", "complete") == "complete")


def _build_record(
    image: Mapping[str, Any], people: list[Mapping[str, Any]], images: Path, skeleton: Skeleton, source: object
) -> Record:
    try:
        size = (int(image["height"]), int(image["width"]))
        labelled = [p for p in people if not p.get("iscrowd") and _has_keypoints(p)]
        boxes = np.array([p["bbox"] for p in labelled], np.float32).reshape(-1, 4)
        return Record(
            image_id=int(image["id"]),
            path=_join_inside(images, str(image["file_name"])),
            size=size,
            xy=skeleton.from_annotated(_stack_keypoints(labelled, len(skeleton.annotated))),
            boxes=boxes,
            areas=np.array([_measure_area(p) for p in labelled], np.float32),
            ignore=tuple(Region.read(p, size) for p in people if p.get("iscrowd") or not _has_keypoints(p)),
            partial=not is_completely_labelled(image),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{source}: picture {image.get('id')} ({image.get('file_name')}): broken entry ({error!r})"
        ) from error


def _join_inside(folder: Path, name: str) -> Path:
    """A file in the folder or below: annotations of strangers must not reach elsewhere."""
    relative = Path(name)
    if relative.is_absolute() or ".." in relative.parts:
        raise ValueError(f"file_name {name!r} leads out of the picture folder")
    return folder / relative


def _has_keypoints(person: Mapping[str, Any]) -> bool:
    return any(v > 0 for v in (person.get("keypoints") or ())[2::3])


def _stack_keypoints(people: Iterable[Mapping[str, Any]], count: int) -> NDArray[np.float32]:
    """(N, A, 2) pixel centres, NaN where the visibility flag is 0."""
    rows = [person["keypoints"] for person in people]
    if any(len(row) != 3 * count for row in rows):
        raise ValueError(f"expected {count} keypoints of x, y, visibility each")
    raw = np.array(rows, np.float32).reshape(-1, count, 3)
    return np.where(raw[..., 2:] > 0, from_corner(raw[..., :2]), np.nan).astype(np.float32)


def _measure_area(person: Mapping[str, Any]) -> float:
    area = person.get("area")
    if area is not None and math.isfinite(area) and area > 0:
        return float(area)
    return float(person["bbox"][2] * person["bbox"][3] * AREA_OF_BOX)


@dataclass(frozen=True, kw_only=True)
class CentreOptions:
    """Which people become the centre of a sample (the others are in the picture all the same)."""

    min_keypoints: int = 5
    min_area: float = 32.0**2  # square pixels of the picture
    min_distance: float = 0.3  # from earlier centres, in widths of the earlier person's box


def choose_centres(record: Record, options: CentreOptions, *, annotated: NDArray[np.intp]) -> list[int]:
    """Indices of the people that samples are centred on, in file order.

    Args:
        record: The picture.
        options: Who counts.
        annotated: (A,) the skeleton's `annotated_indices`: derived keypoints do not count.
    """
    chosen: list[int] = []
    middle = record.boxes[:, :2] + record.boxes[:, 2:] / 2
    counts = (~np.isnan(record.xy[:, annotated, 0])).sum(axis=1)
    for person in np.flatnonzero((counts >= options.min_keypoints) & (record.areas >= options.min_area)).tolist():
        distance = np.linalg.norm(middle[chosen] - middle[person], axis=1)
        if (distance >= options.min_distance * record.boxes[chosen, 2]).all():
            chosen.append(person)
    return chosen
