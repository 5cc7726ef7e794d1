"""Labelme: a JSON beside each picture; points that belong together have one `group_id`. It counts from the corner."""

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from nimblepose.core.errors import DataError
from nimblepose.core.geometry import Size, from_corner
from nimblepose.data.entries import FURTHEST, shorten
from nimblepose.labels.label_set import Floats, LabelledPicture, LabelSet, Skipped
from nimblepose.labels.loose_points import LooseBody, Place, assemble_pictures, name_keypoints
from nimblepose.labels.reader import Reader
from nimblepose.labels.values import find_first, find_number, parse_number, parse_whole, read_json_file

_HIDDEN = ("hidden", "occluded", "invisible")  # flags that people use
_LOOKED_AT = 20  # files of a folder, to know whose they are


def detect(source: Path) -> bool:
    """A file of Labelme, or a folder that holds some."""
    return any(_is_labelme(path) for path in _find_files(source)[:_LOOKED_AT])


def _find_files(source: Path) -> list[Path]:
    return sorted(p for p in source.rglob("*.json") if p.is_file()) if source.is_dir() else [source]


def _is_labelme(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            begin = file.read(4096)
    except OSError:
        return False
    return path.suffix.lower() == ".json" and b'"shapes"' in begin


def read(source: Path) -> LabelSet:
    """A folder and those below it, or one file.

    Raises:
        DataError: there is no file of Labelme.
    """
    skipped: list[Skipped] = []
    found: list[tuple[LabelledPicture, list[LooseBody]]] = []
    for path in _find_files(source):
        try:
            entry = read_json_file(path)
            if not isinstance(entry, Mapping) or not isinstance(entry.get("shapes"), list):
                raise DataError(f"{path}: not a file of Labelme; it has no list of shapes")
        except DataError as error:
            skipped.append(Skipped(str(path), str(error)))
            continue
        found.append((_place_picture(source, path, entry, skipped), _read_bodies(path, entry["shapes"], skipped)))
    if not found:
        raise DataError(f"{source}: no file of Labelme" + (f"; {skipped[0].reason}" if skipped else ""))
    categories = name_keypoints(body for _, bodies in found for body in bodies)
    with_points = ((picture, [body for body in bodies if body.points]) for picture, bodies in found)
    pictures = assemble_pictures(with_points, categories, skipped)
    return LabelSet("labelme", tuple(categories), pictures, tuple(skipped))


def _place_picture(source: Path, path: Path, entry: Mapping[str, Any], skipped: list[Skipped]) -> LabelledPicture:
    name = PurePosixPath(str(entry.get("imagePath") or path.with_suffix(".png").name).replace("\\", "/"))
    file = find_first([path.parent / name, path.parent / name.name]) or path.parent / name.name
    content = _Inside(path).read if isinstance(entry.get("imageData"), str) else None
    size: Size | None = None
    try:
        height, width = (parse_whole(entry.get(key), key, least=1) for key in ("imageHeight", "imageWidth"))
        size = height, width
    except ValueError as error:
        skipped.append(Skipped(str(path), f"{error}; that of the picture is taken"))
    folder = path.parent.relative_to(source).as_posix() if source.is_dir() else ""
    video = "" if folder in ("", ".") else folder
    stem = f"{video}/{name.name}" if video else name.name
    return LabelledPicture(
        stem, (), file=file, content=None if file.is_file() else content, video=video, size=size,
        frame=find_number(name.stem) if video else None,
    )  # fmt: skip


class _Inside:
    """The picture that a file of Labelme holds."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> bytes:
        """The bytes of its file."""
        try:
            return base64.b64decode(read_json_file(self._path)["imageData"], validate=True)
        except (binascii.Error, KeyError, TypeError) as error:
            raise DataError(f"{self._path}: imageData holds no picture ({error})") from error


def _read_bodies(path: Path, shapes: list[Any], skipped: list[Skipped]) -> list[LooseBody]:
    points: dict[object, dict[str, Place]] = {}
    kinds: dict[object, tuple[str, Floats]] = {}
    for number, shape in enumerate(shapes, 1):
        try:
            if not isinstance(shape, Mapping):
                raise ValueError(f"expected a mapping, got {shorten(shape)}")
            name, group, kind = str(shape.get("label")), shape.get("group_id"), shape.get("shape_type")
            if not isinstance(group, int | str | None):
                raise ValueError(f"group_id: expected a number, got {shorten(group)}")
            corners = _read_corners(shape.get("points"))
            if kind == "point" and len(corners) == 1:
                here = points.setdefault(group, {})
                if name in here:
                    whose = f"group_id {group}" if group is not None else "no group_id"
                    raise ValueError(f"a second {name!r} of {whose}; give each animal a group_id of its own")
                flags = shape.get("flags") or {}
                hidden = isinstance(flags, Mapping) and any(flags.get(flag) is True for flag in _HIDDEN)
                x, y = from_corner(corners[0]).tolist()
                here[name] = (x, y, 1 if hidden else 2)
            elif kind == "rectangle" and len(corners) == 2 and group is not None and group not in kinds:
                low, high = corners.min(axis=0), corners.max(axis=0)
                kinds[group] = name, np.concatenate([low, high - low])
            else:
                why = "without a group_id" if kind == "rectangle" else "is no point"
                raise ValueError(f"a {kind} {name!r} {why}")
        except ValueError as error:
            skipped.append(Skipped(str(path), f"shape {number}: {error}"))
    bodies = []
    for group, places in points.items():
        category, box = kinds.get(group, ("animal", None))
        bodies.append(LooseBody(category, places, identity="" if group is None else str(group), box=box))
    empty = [group for group in kinds if group not in points]
    skipped += [Skipped(str(path), f"rectangle {kinds[g][0]!r} of group_id {g} has no points") for g in empty]
    return bodies


def _read_corners(value: object) -> Floats:
    if not isinstance(value, list) or not all(isinstance(point, list) and len(point) == 2 for point in value):
        raise ValueError(f"points: expected pairs of x, y, got {shorten(value)}")
    table = np.array([[parse_number(number) for number in point] for point in value], np.float64).reshape(-1, 2)
    if not np.isfinite(table).all() or (np.abs(table) > FURTHEST).any():
        raise ValueError(f"points: expected places in the picture, got {shorten(value)}")
    return table


READER = Reader("labelme", "Labelme", detect, read)
