"""COCO keypoint files, whoever wrote them: of CVAT, FiftyOne and our own. Places count from the corner.

Every category keeps its own keypoints; what is crowd, or has a box and no keypoints, comes along.
"""

import mmap
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from nimblepose.core.errors import DataError
from nimblepose.core.geometry import from_corner
from nimblepose.data.coco import is_completely_labelled, read_json
from nimblepose.data.entries import name_entry, read_box, read_crowd, read_id, shorten
from nimblepose.data.sets import locate_sets
from nimblepose.labels.label_set import Category, Label, LabelledPicture, LabelSet, Skipped, rename
from nimblepose.labels.reader import Reader
from nimblepose.labels.values import check_places, find_first, parse_number, parse_whole

_LOSSY = "Label Studio writes such COCO, in which two animals become one; export its own JSON instead"


def detect(source: Path) -> bool:
    """A COCO file, or a folder that holds one or has it in `annotations/`."""
    try:
        files = [path for path, _ in locate_sets(source)] if source.is_dir() else [source]
    except DataError:
        return False
    return any(_is_coco(path) for path in files)


def _is_coco(path: Path) -> bool:
    if path.name.endswith(".json.gz"):
        return True
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return path.suffix.lower() == ".json" and all(
                content.find(key) >= 0 for key in (b'"categories"', b'"annotations"', b'"images"')
            )
    except (OSError, ValueError):  # an empty file cannot be mapped
        return False


def read(source: Path) -> LabelSet:
    """A file, or all of a folder (`annotations/` and its pictures in any of the usual places).

    Raises:
        DataError: a file that cannot be read, or none of keypoints.
    """
    sets = [pair for pair in locate_sets(source) if _is_coco(pair[0])] if source.is_dir() else [_locate(source)]
    skipped: list[Skipped] = []
    categories: dict[str, Category] = {}
    pictures: list[LabelledPicture] = []
    for path, folder in sets:
        pictures += read_file(path, folder, categories, skipped)
    if not categories:
        raise DataError(f"{source}: no category with keypoints; is this a file of boxes or masks only?")
    return LabelSet("coco", tuple(categories.values()), rename(pictures), tuple(skipped))


def _locate(path: Path) -> tuple[Path, Path]:
    """The folder of the pictures of a single file: as if it were that of the folder it lies in."""
    above = path.parent.parent if path.parent.name == "annotations" else path.parent
    return next((pair for pair in locate_sets(above) if pair[0] == path), (path, above))


def read_file(
    path: Path, folder: Path, categories: dict[str, Category], skipped: list[Skipped]
) -> list[LabelledPicture]:
    """Pictures of one file; `categories` and `skipped` get what is new.

    Raises:
        DataError: it cannot be read.
    """
    coco = read_json(path)
    kinds = _read_categories(path, coco["categories"], categories, skipped)
    labels: dict[int, list[Label]] = {}
    left_out: Counter[str] = Counter()
    entries = _read_entries(path, coco["images"], skipped)
    for annotation in coco["annotations"]:
        who = name_entry("annotation", annotation)
        try:
            if not isinstance(annotation, Mapping):
                raise ValueError("expected a mapping")
            kind = kinds.get(read_id(annotation.get("category_id"), "category_id"))
            if kind is None:
                left_out[shorten(annotation.get("category_id"))] += 1
                continue
            image_id = read_id(annotation.get("image_id"), "image_id")
            if image_id not in entries:
                raise ValueError(f"image_id {image_id} names no picture")
            labels.setdefault(image_id, []).append(_read_label(annotation, categories[kind]))
        except (ValueError, TypeError) as error:
            skipped.append(Skipped(str(path), f"{who}: {error}"))
    for kind_id, count in left_out.items():
        skipped.append(Skipped(str(path), f"{count} annotations of category {kind_id}, which has no keypoints"))
    return [_place_picture(folder, entry, tuple(labels.get(number, ()))) for number, entry in entries.items()]


def _read_categories(
    path: Path, entries: Sequence[Any], categories: dict[str, Category], skipped: list[Skipped]
) -> dict[int, str]:
    """Names of the categories with keypoints by their ids; `categories` gets those that are new."""
    kinds: dict[int, str] = {}
    for entry in entries:
        try:
            if not isinstance(entry, Mapping):
                raise ValueError("expected a mapping")
            number = read_id(entry.get("id"), "id")
            if not entry.get("keypoints"):
                continue
            if not isinstance(entry["keypoints"], list):
                raise ValueError(f"keypoints: expected a list of names, got {shorten(entry['keypoints'])}")
            names = tuple(str(name) for name in entry["keypoints"])
            name = str(entry.get("name") or "animal")
            new = Category(name, names, _read_limbs(names, entry.get("skeleton")))
        except (ValueError, TypeError) as error:
            skipped.append(Skipped(str(path), f"{name_entry('category', entry)}: {error}"))
            continue
        if name == "default":
            skipped.append(Skipped(str(path), f"category 'default': {_LOSSY}"))
        while name in categories and (categories[name].keypoints != names or name in kinds.values()):
            name += " (other)"
        categories.setdefault(name, Category(name, names, new.limbs))
        kinds[number] = name
    return kinds


def _read_limbs(names: Sequence[str], edges: object) -> tuple[tuple[str, str], ...]:
    """Pairs counted from 1; those that cannot be are left out, as limbs are for drawing only."""
    limbs: dict[tuple[str, str], None] = {}
    for edge in edges if isinstance(edges, list) else ():
        try:
            a, b = (parse_whole(end, "skeleton", least=1, most=len(names)) for end in edge)
        except (ValueError, TypeError):
            continue
        if a != b and (names[b - 1], names[a - 1]) not in limbs:
            limbs[names[a - 1], names[b - 1]] = None
    return tuple(limbs)


def _read_entries(path: Path, images: Sequence[Any], skipped: list[Skipped]) -> dict[int, Mapping[str, Any]]:
    entries: dict[int, Mapping[str, Any]] = {}
    for image in images:
        try:
            if not isinstance(image, Mapping) or not isinstance(image.get("file_name"), str) or not image["file_name"]:
                raise ValueError("no file_name")
            number = read_id(image.get("id"), "id")
            if number in entries:
                raise ValueError("a second picture of this id")
            entries[number] = image
        except ValueError as error:
            skipped.append(Skipped(str(path), f"{name_entry('picture', image)}: {error}"))
    return entries


def _read_label(annotation: Mapping[str, Any], category: Category) -> Label:
    given, count = annotation.get("keypoints") or [], len(category.keypoints)
    if not isinstance(given, list) or len(given) not in (0, 3 * count):
        raise ValueError(f"expected {count} keypoints of x, y, visibility, got {shorten(given)}")
    table = np.array([parse_number(value) for value in given], np.float64).reshape(-1, 3)
    table = table if len(table) else np.zeros((count, 3))
    flags = table[:, 2]
    if not np.isin(flags, (0, 1, 2)).all():
        raise ValueError(f"visibility must be 0, 1 or 2, got {flags[~np.isin(flags, (0, 1, 2))][0]:g}")
    if np.isnan(table[flags > 0]).any():
        raise ValueError("a labelled keypoint without a place")
    nowhere = (flags == 0) & (table[:, :2] == 0).all(axis=1)
    xy = check_places(np.where(nowhere[:, None], np.nan, from_corner(table[:, :2])))
    scores, extra = annotation.get("keypoint_scores"), {}
    extra = {key: annotation[key] for key in ("segmentation", "area") if annotation.get(key) is not None}
    if read_crowd(annotation.get("iscrowd")):
        extra["iscrowd"] = 1
    track = annotation.get("identity", annotation.get("track_id", annotation.get("instance_id", "")))
    score = annotation.get("score")
    if isinstance(score, list) and scores is None:  # FiftyOne's: of the keypoints
        scores = score
        given_scores = [parse_number(one) for one, flag in zip(score, flags, strict=True) if flag > 0]
        score = sum(given_scores) / len(given_scores) if given_scores else 0.0
    errors = annotation.get("keypoint_errors")
    return Label(
        category.name,
        xy,
        flags.astype(np.int64),
        keypoint_scores=None if not scores else np.array([parse_number(s) for s in scores], np.float64),
        score=None if score is None else parse_number(score),
        identity="" if track is None else str(track),
        scorer=str(annotation.get("scorer") or ""),
        box=read_box(annotation.get("bbox")),
        extra=extra,
        keypoint_errors=None if not errors else np.array([parse_number(error) for error in errors], np.float64),
    )


def _place_picture(folder: Path, entry: Mapping[str, Any], labels: tuple[Label, ...]) -> LabelledPicture:
    name = str(entry["file_name"]).replace("\\", "/")
    parts = [part for part in PurePosixPath(name).parts if part not in ("/", "..", ".") and ":" not in part]
    relative = Path(*parts) if parts else Path("picture")
    file = find_first([folder / relative, folder / relative.name, folder / "images" / relative])
    try:
        height, width = (parse_whole(entry.get(key), key, least=1) for key in ("height", "width"))
        size = height, width
    except ValueError:
        size = None
    video = entry.get("video", entry.get("video_name"))
    frame = entry.get("frame", entry.get("frame_id", entry.get("frame_number", entry.get("frame_idx"))))
    time = entry.get("time")
    folder_name = "/".join(parts[:-1])
    return LabelledPicture(
        name, labels, file=file or folder / relative, video=str(video) if video is not None else folder_name,
        frame=frame if isinstance(frame, int) and not isinstance(frame, bool) else None,
        time=float(time) if isinstance(time, int | float) and not isinstance(time, bool) else None, size=size,
        partial=not is_completely_labelled(entry),
    )  # fmt: skip


READER = Reader("coco", "COCO keypoints, also of CVAT and FiftyOne", detect, read)
