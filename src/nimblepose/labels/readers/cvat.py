"""CVAT's XML, for images and for video. Places count from the corner; a point is outside, occluded, or seen.

Its COCO export is read as COCO. Skeletons alone are animals: a loose point belongs to nobody.
"""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np

from nimblepose.core.errors import DataError
from nimblepose.core.geometry import Size, from_corner
from nimblepose.labels.label_set import Category, LabelledPicture, LabelSet, Skipped
from nimblepose.labels.loose_points import LooseBody, Place, assemble_pictures, name_keypoints
from nimblepose.labels.reader import Reader
from nimblepose.labels.values import find_first, find_number, parse_number, parse_whole, read_text

_SHAPES = ("box", "polygon", "polyline", "points", "ellipse", "cuboid", "mask", "tag")
_NODE, _EDGE = re.compile(r"<circle\b[^>]*>"), re.compile(r"<line\b[^>]*>")
_ATTRIBUTE = re.compile(r"data-([\w-]+)=\"([^\"]*)\"")


def detect(source: Path) -> bool:
    """An XML of CVAT, or a folder that holds one."""
    return any(_is_cvat(path) for path in _find_files(source))


def _find_files(source: Path) -> list[Path]:
    return sorted(p for p in source.glob("*.xml") if p.is_file()) if source.is_dir() else [source]


def _is_cvat(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return path.suffix.lower() == ".xml" and b"<annotations>" in file.read(4096)
    except OSError:
        return False


def read(source: Path) -> LabelSet:
    """An XML, or all in a folder, with pictures beside it, in `images/` or below.

    Raises:
        DataError: there is no file, or one cannot be read, or is none of CVAT.
    """
    skipped: list[Skipped] = []
    found: list[tuple[LabelledPicture, list[LooseBody]]] = []
    known: dict[str, list[str]] = {}
    limbs: dict[str, list[tuple[str, str]]] = {}
    files = _find_files(source)
    if not files:
        raise DataError(f"{source}: no .xml file")
    for path in files:
        root = _parse(path)
        for name, keypoints, joined in _read_labels(root):
            known.setdefault(name, []).extend(k for k in keypoints if k not in known.get(name, ()))
            limbs.setdefault(name, joined)
        folder = source if source.is_dir() else source.parent
        found += _read_images(path, folder, root, skipped)
        found += _read_tracks(path, folder, root, skipped)
    plain = name_keypoints((body for _, bodies in found for body in bodies), known)
    categories = [Category(one.name, one.keypoints, _keep_limbs(one, limbs.get(one.name, []))) for one in plain]
    pictures = assemble_pictures(found, categories, skipped)
    return LabelSet("cvat", tuple(categories), pictures, tuple(skipped))


def _parse(path: Path) -> Element:
    text = read_text(path)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise DataError(f"{path}: XML with a DOCTYPE or entities, which CVAT does not write")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - without entities there is nothing to expand
    except (ElementTree.ParseError, RecursionError, ValueError) as error:
        raise DataError(f"{path}: no XML ({error})") from error
    if root.tag != "annotations":
        raise DataError(f"{path}: not an XML of CVAT; expected <annotations>, got <{root.tag}>")
    return root


def _read_labels(root: Element) -> Iterator[tuple[str, list[str], list[tuple[str, str]]]]:
    """Skeletons of the job or project, with the points of each and which of them are joined."""
    entries = [label for labels in root.iter("labels") for label in labels.findall("label")]
    for label in entries:
        if label.findtext("type") != "skeleton":
            continue
        name = label.findtext("name") or ""
        points = [one.findtext("name") or "" for one in entries if one.findtext("parent") == name]
        picture = label.findtext("svg") or ""
        nodes = [dict(_ATTRIBUTE.findall(node)) for node in _NODE.findall(picture)]
        named = {node.get("node-id", ""): node.get("label-name", "") for node in nodes}
        edges = [dict(_ATTRIBUTE.findall(edge)) for edge in _EDGE.findall(picture)]
        joined = [(named.get(e.get("node-from", ""), ""), named.get(e.get("node-to", ""), "")) for e in edges]
        yield name, list(dict.fromkeys(points)), joined


def _keep_limbs(category: Category, joined: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    known = set(category.keypoints)
    return tuple(dict.fromkeys((a, b) for a, b in joined if a in known and b in known and a != b))


def _read_images(
    path: Path, folder: Path, root: Element, skipped: list[Skipped]
) -> Iterator[tuple[LabelledPicture, list[LooseBody]]]:
    for image in root.iter("image"):
        name = image.get("name") or f"picture {image.get('id')}"
        where, bodies = f"{path}, {name}", []
        try:
            height, width = (parse_whole(image.get(side), side, least=1) for side in ("height", "width"))
        except ValueError as error:
            skipped.append(Skipped(where, str(error)))
            continue
        for shape in image:
            if shape.tag == "skeleton":
                bodies += _try_body(shape, where, "", skipped)
            elif shape.tag in _SHAPES:
                skipped.append(Skipped(where, f"a {shape.tag} {shape.get('label')!r} is no skeleton"))
        file, parts = _find_picture(folder, name, image.get("subset")), name.replace("\\", "/").split("/")
        video = "/".join(parts[:-1])
        frame = find_number(parts[-1].rpartition(".")[0]) if video else None
        yield LabelledPicture(name, (), file=file, size=(height, width), video=video, frame=frame), bodies


def _find_picture(folder: Path, name: str, subset: str | None) -> Path:
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..") and ":" not in part]
    deep = Path(*parts) if parts else Path("picture")
    below = [folder / "images", folder, *([folder / "images" / subset, folder / subset] if subset else [])]
    return find_first([place / one for place in below for one in (deep, Path(deep.name))]) or folder / "images" / deep


def _try_body(shape: Element, where: str, identity: str, skipped: list[Skipped]) -> list[LooseBody]:
    try:
        points = dict(_read_point(point) for point in shape.findall("points"))
        if not points:
            raise ValueError("without points")
    except ValueError as error:
        skipped.append(Skipped(where, f"skeleton {shape.get('label')!r}: {error}"))
        return []
    return [LooseBody(shape.get("label") or "", points, identity=identity, scorer=shape.get("source") or "")]


def _read_point(point: Element) -> tuple[str, Place]:
    name = point.get("label") or ""
    if point.get("outside") == "1":
        return name, (float("nan"), float("nan"), 0)
    numbers = [parse_number(text) for text in re.split(r"[,;]", point.get("points") or "")]
    if len(numbers) != 2 or not np.isfinite(numbers).all():
        raise ValueError(f"{name!r}: expected x,y, got {point.get('points')!r}")
    x, y = from_corner(np.array(numbers, np.float64)).tolist()
    return name, (x, y, 1 if point.get("occluded") == "1" else 2)


def _read_tracks(
    path: Path, folder: Path, root: Element, skipped: list[Skipped]
) -> Iterator[tuple[LabelledPicture, list[LooseBody]]]:
    """Frames of a video in which somebody is: tracks have every frame, keyframes and those between."""
    size = root.find(".//original_size")
    about: Mapping[str, Any] = {} if size is None else {child.tag: child.text for child in size}
    source = root.findtext(".//source") or path.stem
    frames: dict[int, list[LooseBody]] = {}
    for track in root.iter("track"):
        where = f"{path}, track {track.get('id')}"
        for shape in track:
            if shape.tag != "skeleton":
                skipped.append(Skipped(where, f"a {shape.tag} {track.get('label')!r} is no skeleton"))
                break
            try:
                number = parse_whole(shape.get("frame"), "frame")
            except ValueError as error:
                skipped.append(Skipped(where, str(error)))
                continue
            if shape.get("outside") == "1" or all(p.get("outside") == "1" for p in shape.findall("points")):
                continue  # the animal has left
            shape.set("label", shape.get("label") or track.get("label") or "")
            here = f"{where}, frame {number}"
            frames.setdefault(number, []).extend(_try_body(shape, here, str(track.get("id") or ""), skipped))
    if not frames:
        return
    given: Size | None = None
    try:
        if about:
            height, width = (parse_whole(about.get(side), side, least=1) for side in ("height", "width"))
            given = height, width
    except ValueError as error:
        skipped.append(Skipped(str(path), f"original_size: {error}; that of the video is taken"))
    video = Path(source.replace("\\", "/").rsplit("/", 1)[-1])
    for number, bodies in sorted(frames.items()):
        places = [_find_picture(folder, f"frame_{number:06d}{suffix}", None) for suffix in (".PNG", ".png", ".jpg")]
        yield (
            LabelledPicture(
                f"{video.stem}/{number:06d}.png", (), file=find_first(places), video_file=folder / video,
                video=video.stem, frame=number, size=given,
            ),
            bodies,
        )  # fmt: skip


READER = Reader("cvat", "CVAT (XML for images, for video)", detect, read)
