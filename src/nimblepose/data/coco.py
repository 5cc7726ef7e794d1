"""COCO annotation files -> records: per picture, everybody who is annotated. The one place where they are read.

The files are read as they are: no private format. Whoever asks (training, validation, quantization, the check) gets the
same people from the same file, or hears of the same faults.
"""

import gzip
import json
import logging
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.errors import DataError
from nimblepose.core.geometry import Size
from nimblepose.core.skeleton import Skeleton
from nimblepose.data.categories import match_categories
from nimblepose.data.entries import (
    bound_keypoints,
    name_entry,
    read_area,
    read_box,
    read_crowd,
    read_id,
    read_keypoints,
    read_path,
    read_size,
)
from nimblepose.data.faults import Fault, Report, collect_findings
from nimblepose.data.regions import Region, bound_region

_MAX_FILE_BYTES = 4 << 30  # COCO's own training annotations have 0.25 GB
_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class People:
    """Everybody annotated in a picture, in file order, in COCO's pixels (counted from the corner of the first one).

    Attributes:
        keypoints: (P, A, 3) float64 x, y, visibility of annotated keypoints; 0 where not labelled.
        boxes: (P, 4) float64 x, y, width, height.
        areas: (P,) float64 square pixels.
        crowds: (P,) bool.
        categories: (P,) int64 ids.
    """

    keypoints: NDArray[np.float64]
    boxes: NDArray[np.float64]
    areas: NDArray[np.float64]
    crowds: NDArray[np.bool_]
    categories: NDArray[np.int64]

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """(P,) who has keypoints and is no crowd."""
        return np.asarray((self.keypoints[..., 2] > 0).any(axis=1) & ~self.crowds)


@dataclass(frozen=True, eq=False)
class Record:
    """One annotated picture.

    Attributes:
        image_id: As in the file.
        path: Of the picture.
        size: (height, width) in pixels, as the file says; where it does not, as the picture is.
        skeleton: Of the people.
        people: Everybody; the properties are of those with keypoints.
        ignore: Where somebody may be who is not labelled: crowds, and people without keypoints.
        partial: Whether people may be missing altogether; the picture's entry says so by `"labels": "partial"`.
    """

    image_id: int
    path: Path
    size: Size
    skeleton: Skeleton
    people: People
    ignore: tuple[Region, ...]
    partial: bool = False

    @property
    def xy(self) -> NDArray[np.float32]:
        """(N, K, 2) pixel centres of the people with keypoints, derived keypoints too; NaN where not labelled."""
        table = self.people.keypoints[self.people.labelled].astype(np.float32)
        return self.skeleton.from_annotated(np.where(table[..., 2:] > 0, table[..., :2] - np.float32(0.5), np.nan))

    @property
    def boxes(self) -> NDArray[np.float32]:
        """(N, 4) x, y, width, height in pixels of the people with keypoints."""
        return self.people.boxes[self.people.labelled].astype(np.float32)

    @property
    def areas(self) -> NDArray[np.float32]:
        """(N,) square pixels of the people with keypoints."""
        return self.people.areas[self.people.labelled].astype(np.float32)


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
    except (OSError, EOFError, ValueError, zlib.error, RecursionError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: cannot be read as COCO annotations ({error})") from error
    lists = ("images", "annotations", "categories")
    if not isinstance(value, dict) or not all(isinstance(value.get(key), list) for key in lists):
        raise DataError(f"{path}: not a COCO file; expected a JSON object with the lists {', '.join(lists)}")
    return value


def build_records(
    coco: Mapping[str, Any],
    images: Path,
    skeleton: Skeleton,
    source: object = "annotations",
    *,
    category_id: int | None = None,
    report: Report | None = None,
) -> list[Record]:
    """Records of one parsed file, in its order; it is not changed.

    Args:
        coco: As `read_json` gives it.
        images: Folder of the pictures.
        skeleton: Must have the keypoints of a category; of several such all are one class.
        source: Named in errors.
        category_id: Only people of this category are labelled; those of others with the same keypoints are left out.
        report: Hears of every fault, and what is faulty is left out. Without it errors are raised, warnings logged.

    Raises:
        DataError: other keypoints than the skeleton's, or faults that nobody asked to hear of.
    """
    every = match_categories(coco, skeleton, source)
    chosen = every if category_id is None else match_categories(coco, skeleton, source, category_id)
    warnings: list[Fault] = []

    def refuse(fault: Fault) -> None:
        if fault.severity == "error":
            raise DataError(f"{source}: {fault.kind}: {fault.where}; `nimblepose data check` lists all that is wrong")
        warnings.append(fault)

    tell = report or refuse
    if len(chosen) > 1:
        message = "have the same keypoints as the skeleton, so their people are taught and found as one class"
        tell(Fault("several categories", "warning", message, f"categories {', '.join(map(str, chosen))}"))
    entries = dict(_read_images(coco["images"], images, tell))
    people: dict[int, list[tuple[Mapping[str, Any], int]]] = {image_id: [] for image_id in entries}
    for annotation, category, image_id in _sort_annotations(coco["annotations"], every, people, tell):
        people[image_id].append((annotation, category))
    records = [
        Record(image_id, path, size, skeleton, *_read_people(people[image_id], size, skeleton, chosen, tell), partial)
        for image_id, (path, size, partial) in entries.items()
    ]
    for finding in collect_findings(warnings):
        examples = "; ".join(finding.examples)
        _log.warning("%s: %s: %s (%s)", source, finding.kind, finding.message, examples)
    return records


def is_completely_labelled(image: Mapping[str, Any]) -> bool:
    """Whether the labels of a picture, by its entry in the file, miss nobody: `labels` is absent or "complete"."""
    return bool(image.get("labels", "complete") == "complete")


def _read_images(images: Iterable[Any], folder: Path, report: Report) -> Iterator[tuple[int, tuple[Path, Size, bool]]]:
    """Id, and path, size and whether labels are partial, of every picture that can be used."""
    seen = set()
    for entry in images:
        who = name_entry("picture", entry)
        try:
            if not isinstance(entry, Mapping):
                raise ValueError("expected a mapping")
            image_id, path = read_id(entry.get("id"), "id"), read_path(folder, entry.get("file_name"))
            size = read_size(entry, path)
        except ValueError as error:
            report(Fault("broken pictures", "error", "their entries cannot be used", f"{who}: {error}"))
            continue
        if image_id in seen:
            report(Fault("duplicate picture ids", "error", "must be unique", who))
            continue
        seen.add(image_id)
        yield image_id, (path, size, not is_completely_labelled(entry))


def _sort_annotations(
    annotations: Iterable[Any], categories: Sequence[int], pictures: Mapping[int, object], report: Report
) -> Iterator[tuple[Mapping[str, Any], int, int]]:
    """Annotations of some categories, each with its category and the id of its picture."""
    for annotation in annotations:
        who = name_entry("annotation", annotation)
        if not isinstance(annotation, Mapping):
            report(Fault("broken annotations", "error", "cannot be read", f"{who}: expected a mapping"))
            continue
        kind, message = "annotations of no category", "category_id is no number"
        try:
            category = read_id(annotation.get("category_id"), "category_id")
            if category not in categories:
                continue
            kind, message = "annotations of no picture", "image_id names no picture of the file"
            image_id = read_id(annotation.get("image_id"), "image_id")
            if image_id not in pictures:
                raise ValueError(f"image_id {image_id}")
        except ValueError as error:
            report(Fault(kind, "error", message, f"{who}: {error}"))
        else:
            yield annotation, category, image_id


def _read_people(
    annotations: Sequence[tuple[Mapping[str, Any], int]],
    size: Size,
    skeleton: Skeleton,
    categories: Sequence[int],
    report: Report,
) -> tuple[People, tuple[Region, ...]]:
    """People of a picture, and the regions of those who are not labelled."""
    count = len(skeleton.annotated)
    rows, regions = [], []
    for annotation, category in annotations:
        kind, region = "broken keypoints", None
        try:
            keypoints = read_keypoints(annotation.get("keypoints"), count)
            if category not in categories:
                keypoints = np.zeros_like(keypoints)
            kind = "broken annotations"
            crowd = read_crowd(annotation.get("iscrowd"))
            kind = "broken boxes"
            box = read_box(annotation.get("bbox"))
            if crowd or not (keypoints[:, 2] > 0).any():
                kind = "broken segmentations"
                region = Region.read(annotation, size)
                box = bound_region(region, size) if box is None else box
            elif box is None or min(box[2:]) <= 0:
                box = bound_keypoints(keypoints)
            kind = "broken areas"
            rows.append((keypoints, box, read_area(annotation.get("area"), box), crowd, category))
        except ValueError as error:
            report(Fault(kind, "error", "cannot be read", f"{name_entry('annotation', annotation)}: {error}"))
            continue
        if region is not None:
            regions.append(region)
    columns = list(zip(*rows, strict=True)) or [()] * 5
    people = People(
        np.array(columns[0], np.float64).reshape(-1, count, 3),
        np.array(columns[1], np.float64).reshape(-1, 4),
        np.array(columns[2], np.float64),
        np.array(columns[3], bool),
        np.array(columns[4], np.int64),
    )
    return people, tuple(regions)
