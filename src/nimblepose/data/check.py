"""Find what ruins training runs before they begin: pictures and annotations that contradict each other.

What is wrong with the file itself is what its reader stumbles over, so that a set without errors can be trained on.
"""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.errors import DataError
from nimblepose.core.skeleton import Skeleton
from nimblepose.data.augment import find_unpaired_sides
from nimblepose.data.categories import match_categories
from nimblepose.data.centres import CentreOptions, choose_centres
from nimblepose.data.check_pictures import check_pictures
from nimblepose.data.coco import Record, build_records, read_json
from nimblepose.data.entries import name_entry, read_box, read_id, read_keypoints, shorten
from nimblepose.data.faults import Fault, Finding, collect_findings
from nimblepose.media.pictures import MAX_PIXELS

_TOLERANCE = 1.0  # pixels that labels may lie outside of the picture: rounding
_MIN_PEOPLE = 20  # for statistics about left and right


def check(
    annotations: Path,
    images: Path,
    skeleton: Skeleton,
    *,
    read_pictures: bool = True,
    max_pixels: int = MAX_PIXELS,
) -> list[Finding]:
    """All faults of one annotation file and its pictures; empty if it is sound. Nothing that it may hold is an error.

    Args:
        annotations: COCO keypoint file.
        images: Folder of its pictures.
        skeleton: What the run will use.
        read_pictures: Decode every picture, the slow part; else only look whether it is there.
        max_pixels: JPEGs with more are read reduced, other files not at all.
    """
    try:
        coco = read_json(annotations)
    except DataError as error:
        return collect_findings([Fault("unreadable annotations", "error", str(error), "")])
    faults = [*_check_ids(coco), *_check_categories(coco), *_check_mirror(skeleton)]
    try:
        categories = match_categories(coco, skeleton, annotations)
        records = build_records(coco, images, skeleton, annotations, report=faults.append)
    except DataError as error:
        faults.append(Fault("wrong skeleton", "error", str(error), ""))
        return collect_findings(faults)
    faults += check_pictures(records, images, read=read_pictures, max_pixels=max_pixels)
    faults += _check_people(coco, records, skeleton, categories)
    faults += _check_samples(records, skeleton)
    faults += _check_sides([record.xy for record in records], skeleton)
    return collect_findings(faults)


def _check_ids(coco: Mapping[str, Any]) -> Iterator[Fault]:
    for what, key, entries, message in (
        ("annotation ids", "id", coco["annotations"], "other tools need them to be unique"),
        ("file names", "file_name", coco["images"], "people of one entry are taught as background in the other"),
    ):
        values = [entry.get(key) for entry in entries if isinstance(entry, Mapping)]
        for value, count in Counter(v for v in values if isinstance(v, Hashable) and v is not None).items():
            if count > 1:
                yield Fault(f"duplicate {what}", "warning", message, f"{shorten(value)} ({count} times)")
    for what, entries, keys in (
        ("picture", coco["images"], ("id",)),
        ("annotation", coco["annotations"], ("image_id", "category_id")),
    ):
        for entry in entries:
            if isinstance(entry, Mapping) and any(isinstance(entry.get(key), str) for key in keys):
                yield Fault("ids that are text", "warning", "other tools need numbers", name_entry(what, entry))


def _check_categories(coco: Mapping[str, Any]) -> Iterator[Fault]:
    used: Counter[object] = Counter()
    for annotation in coco["annotations"]:
        if isinstance(annotation, Mapping):
            used[_try_id(annotation.get("category_id"))] += 1
    known: Counter[object] = Counter()
    for category in coco["categories"]:
        who = name_entry("category", category)
        number = _try_id(category.get("id")) if isinstance(category, Mapping) else None
        if number is None:
            yield Fault("broken categories", "warning", "need a whole number as id, and are left out", who)
            continue
        known[number] += 1
        if not used[number]:
            yield Fault("empty categories", "warning", "no annotation is of this category", who)
        if known[number] > 1:
            yield Fault("duplicate category ids", "error", "must be unique", who)
    for annotation in coco["annotations"]:
        if isinstance(annotation, Mapping):
            number = _try_id(annotation.get("category_id"))
            if number is not None and number not in known:
                message = "category_id names none, and they are left out"
                yield Fault("annotations of no category", "warning", message, name_entry("annotation", annotation))


def _try_id(value: object) -> int | None:
    try:
        return read_id(value, "id")
    except ValueError:
        return None


def _check_people(
    coco: Mapping[str, Any], records: Sequence[Record], skeleton: Skeleton, categories: Sequence[int]
) -> Iterator[Fault]:
    """What can be read, and may be wrong all the same."""
    sizes = {record.image_id: record.size for record in records}
    for entry in coco["images"]:
        if isinstance(entry, Mapping) and entry.get("labels", "complete") not in ("complete", "partial"):
            message = "is 'complete' or 'partial'; anything else is taken for 'partial'"
            yield Fault("labels of no known kind", "warning", message, name_entry("picture", entry))
    for annotation in coco["annotations"]:
        try:
            if read_id(annotation["category_id"], "category_id") not in categories or annotation.get("iscrowd"):
                continue
            height, width = sizes[read_id(annotation["image_id"], "image_id")]
            box = read_box(annotation.get("bbox"))
            keypoints = read_keypoints(annotation.get("keypoints"), len(skeleton.annotated))
        except (AttributeError, KeyError, TypeError, ValueError):
            continue  # the reader has told of it
        who, xy = name_entry("annotation", annotation), keypoints[keypoints[:, 2] > 0, :2]
        where, said = f"{width} x {height}", annotation.get("num_keypoints", len(xy))
        if said != len(xy):
            message = "differs from the number of labelled keypoints, which counts"
            yield Fault("num_keypoints wrong", "warning", message, f"{who}: says {shorten(said)}, has {len(xy)}")
        if _lie_outside(xy, width, height):
            message = "lie out of the picture, where nothing is learnt"
            yield Fault("keypoints outside", "warning", message, f"{who} in {where}")
        if box is None:
            if len(xy):
                yield Fault("no boxes", "warning", "the box around the labelled keypoints is taken", who)
        elif min(box[2:]) <= 0:
            message = "width and height must be positive; the box around the labelled keypoints is taken"
            yield Fault("boxes of no size", "warning", message, f"{who}: {box.tolist()}")
        elif _lie_outside(np.stack([box[:2], box[:2] + box[2:]]), width, height):
            yield Fault("boxes outside", "warning", "reach out of the picture", f"{who}: {box.tolist()} in {where}")


def _lie_outside(xy: NDArray[np.float64], width: int, height: int) -> bool:
    """Whether some of the points (N, 2) do, in COCO's pixels."""
    return bool(((xy < -_TOLERANCE) | (xy > np.array([width, height]) + _TOLERANCE)).any())


def _check_samples(records: Sequence[Record], skeleton: Skeleton) -> Iterator[Fault]:
    """Whether there is anybody to learn from."""
    people = sum(int(record.people.labelled.sum()) for record in records)
    options = CentreOptions()
    if not people:
        yield Fault("nobody", "error", "no person of the skeleton's category has a labelled keypoint", "")
    elif not any(choose_centres(record, options) for record in records):
        keypoints, area = options.limits(skeleton)
        message = (
            f"of {people} people none has {keypoints} keypoints and an area of {area:g} square pixels, and others are "
            f"no centre of a sample; set centres.min_keypoints and centres.min_area in the recipe"
        )
        yield Fault("nobody to centre samples on", "error", message, "")


def _check_mirror(skeleton: Skeleton) -> Iterator[Fault]:
    for a, b in find_unpaired_sides(skeleton):
        message = "mirrored samples keep their names, which teaches both sides as one: add mirror_pairs to the skeleton"
        yield Fault("sides without mirror pairs", "warning", message, f"{a} / {b}")


def _check_sides(people: Sequence[NDArray[np.floating]], skeleton: Skeleton) -> Iterator[Fault]:
    """Pairs whose left and right are swapped, statistically.

    From right to left, all pairs of a body point roughly the same way: a pair that points against the others in most
    people, of pictures (N, K, 2) each, is labelled the wrong way round.
    """
    order = {name: i for i, name in enumerate(skeleton.keypoints)}
    pairs = [(a, b) for a, b in skeleton.mirror_pairs if not {a, b} & set(skeleton.derived)]
    if len(pairs) < 3:  # of two that disagree one cannot say which is wrong
        return
    xy = np.concatenate([np.zeros((0, len(skeleton.keypoints), 2)), *people])
    across = np.stack([xy[:, order[a]] - xy[:, order[b]] for a, b in pairs], axis=1)  # (N, pairs, 2)
    across = np.nan_to_num(across / np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-9))
    others = across.sum(axis=1, keepdims=True) - across
    agreement = (across * others).sum(-1)  # (N, pairs)
    for (a, b), values in zip(pairs, agreement.T, strict=True):
        values = values[values != 0]
        if len(values) < _MIN_PEOPLE:
            continue
        against = float((values < 0).mean())
        if against > 0.5 + 1 / len(values) ** 0.5:  # two standard deviations of a fair coin
            message = "left and right point against the other pairs in most people; each pair must be of one body"
            example = f"{a} / {b} in {against:.0%} of {len(values)} people"
            yield Fault("left and right swapped", "error", message, example)
