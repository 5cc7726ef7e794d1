"""YOLO-pose as Ultralytics has it: a YAML, pictures, and a text beside each. Fractions count from the corner.

`kpt_shape` says how a line is read. Who is who from picture to picture is not said: the order of lines is none.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nimblepose.core.errors import DataError, PoseError
from nimblepose.core.geometry import Size, from_corner
from nimblepose.data.entries import shorten
from nimblepose.labels.label_set import Category, Label, LabelledPicture, LabelSet, Skipped, rename
from nimblepose.labels.reader import Reader
from nimblepose.labels.sizes import measure_picture
from nimblepose.labels.values import find_number, make_label, parse_number, parse_whole, read_text, read_yaml
from nimblepose.media.suffixes import PICTURE_SUFFIXES

_SPLITS = ("train", "val", "test")
_MAX_KEYPOINTS = 10_000


def detect(source: Path) -> bool:
    """A YAML with `kpt_shape`, or a folder that holds one."""
    return bool(_find_yaml(source))


def _find_yaml(source: Path) -> list[Path]:
    files = sorted([*source.glob("*.yaml"), *source.glob("*.yml")]) if source.is_dir() else [source]
    return [path for path in files if path.suffix.lower() in (".yaml", ".yml") and _names_shape(path)]


def _names_shape(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return b"kpt_shape" in file.read(1 << 20)
    except OSError:
        return False


def read(source: Path) -> LabelSet:
    """All splits of a data set, by its YAML or its folder.

    Raises:
        DataError: there is no YAML with `kpt_shape`, or it says what cannot be.
    """
    files = _find_yaml(source)
    if len(files) != 1:
        raise DataError(f"{source}: {len(files)} YAML files with kpt_shape, expected one; name it")
    path = files[0]
    about = read_yaml(path)
    try:
        count, width = (parse_whole(n, "kpt_shape", least=1, most=_MAX_KEYPOINTS) for n in about["kpt_shape"])
        if width not in (2, 3):
            raise ValueError(f"kpt_shape {about['kpt_shape']}: expected 2 or 3 numbers per keypoint")
        categories = _read_categories(about, count)
    except (KeyError, ValueError, TypeError) as error:
        raise DataError(f"{path}: {error}") from error
    skipped: list[Skipped] = []
    pictures = []
    for file in dict.fromkeys(_list_pictures(path, about, skipped)):  # a picture may be in two splits
        picture = _read_picture(path.parent, file, categories, (count, width), skipped)
        if picture is not None:
            pictures.append(picture)
    return LabelSet("yolo", tuple(categories.values()), rename(pictures), tuple(skipped))


def _read_categories(about: Mapping[str, Any], count: int) -> dict[int, Category]:
    names = about.get("names") or {0: "animal"}
    listed = dict(enumerate(names)) if isinstance(names, list) else names
    if not isinstance(listed, Mapping):
        raise ValueError(f"names: expected a mapping, got {shorten(names)}")
    given = about.get("kpt_names") or about.get("keypoint_names") or {}
    categories = {}
    for number, name in listed.items():
        keypoints = given.get(number) if isinstance(given, Mapping) else given
        if not isinstance(keypoints, list) or len(keypoints) != count:
            keypoints = [f"keypoint_{i}" for i in range(1, count + 1)]
        categories[parse_whole(number, "names")] = Category(str(name), tuple(map(str, keypoints)))
    return categories


def _list_pictures(path: Path, about: Mapping[str, Any], skipped: list[Skipped]) -> Iterator[Path]:
    root = path.parent / str(about.get("path") or ".")
    root = root if _is_there(root) and root.is_dir() else path.parent
    for split in _SPLITS:
        listed = about.get(split) or []
        for entry in listed if isinstance(listed, list) else [listed]:
            parts = [part for part in str(entry).replace("\\", "/").split("/") if part not in ("", ".", "..")]
            places = [root / str(entry), root.joinpath(*parts), path.parent.joinpath(*parts)]
            place = next((place for place in places if _is_there(place)), None)
            if place is None:
                skipped.append(Skipped(str(path), f"{split}: {shorten(entry)} is not there"))
            elif place.is_dir():
                yield from sorted(p for p in place.rglob("*") if p.suffix.lower() in PICTURE_SUFFIXES)
            else:
                for line in filter(None, map(str.strip, read_text(place).splitlines())):
                    yield place.parent / line


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that nothing can have
        return False


def _locate_labels(picture: Path) -> Path:
    """The last folder `images` of the path is `labels`."""
    parts = list(picture.parts)
    at = max((i for i, part in enumerate(parts[:-1]) if part == "images"), default=None)
    if at is not None:
        parts[at] = "labels"
    return Path(*parts).with_suffix(".txt")


def _read_picture(
    root: Path, file: Path, categories: Mapping[int, Category], shape: tuple[int, int], skipped: list[Skipped]
) -> LabelledPicture | None:
    try:
        size = measure_picture(file)
    except PoseError as error:
        skipped.append(Skipped(str(file), f"{error}; fractions of it mean nothing"))
        return None
    labels_file = _locate_labels(file)
    labels: list[Label] = []
    if labels_file.is_file():
        for number, line in enumerate(read_text(labels_file).splitlines(), 1):
            if line.strip():
                try:
                    labels.append(_read_line(line.split(), categories, shape, size))
                except ValueError as error:
                    skipped.append(Skipped(f"{labels_file}, line {number}", str(error)))
    try:
        name = file.relative_to(root).as_posix()
    except ValueError:
        name = file.name
    plain = "/".join(part for part in name.split("/") if part != "images")
    return LabelledPicture(plain, tuple(labels), file=file, size=size, frame=find_number(file.stem))


def _read_line(cells: Sequence[str], categories: Mapping[int, Category], shape: tuple[int, int], size: Size) -> Label:
    count, width = shape
    if len(cells) != 5 + count * width:
        raise ValueError(f"{len(cells)} numbers, expected {5 + count * width} for kpt_shape {list(shape)}")
    number = parse_whole(cells[0], "class")
    if number not in categories:
        raise ValueError(f"class {number} is not among the names")
    values = np.array([parse_number(cell) for cell in cells[1:]], np.float64)
    if not np.isfinite(values).all():
        raise ValueError("a number is missing")
    scale = np.array([size[1], size[0]], np.float64)
    points = values[4:].reshape(count, width)
    nowhere = (points[:, :2] == 0).all(axis=1)
    seen = points[:, 2] if width == 3 else np.where(nowhere, 0, 2)
    if not np.isin(seen, (0, 1, 2)).all():
        raise ValueError(f"visibility must be 0, 1 or 2, got {seen[~np.isin(seen, (0, 1, 2))][0]:g}")
    place = np.where((nowhere & (seen == 0))[:, None], np.nan, from_corner(points[:, :2] * scale))
    middle, extent = values[:2] * scale, values[2:4] * scale
    return make_label(
        categories[number].name, place, seen, box=np.concatenate([middle - extent / 2, extent])
    )  # fmt: skip


READER = Reader("yolo", "YOLO-pose (Ultralytics)", detect, read)
