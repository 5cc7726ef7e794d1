"""Label Studio's own JSON. Points of an animal name its rectangle as their parent, or are joined to it by a relation.

Places are percent of the picture, counted from its corner. Its COCO export loses which point is whose; this does not.
"""

import dataclasses
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np

from nimblepose.core.errors import DataError
from nimblepose.core.geometry import Size, from_corner
from nimblepose.data.entries import shorten
from nimblepose.labels.label_set import LabelledPicture, LabelSet, Skipped
from nimblepose.labels.loose_points import LooseBody, Place, assemble_pictures, name_keypoints
from nimblepose.labels.reader import Reader
from nimblepose.labels.values import find_first, find_number, parse_number, parse_whole, read_json_file

_LOOKED_AT = 20  # files of a folder, to know whose they are
_UPLOADED = re.compile(r"^[0-9a-f]{8}-")  # put before names of pictures that are uploaded
_Result = Mapping[str, Any]


def detect(source: Path) -> bool:
    """An export of Label Studio, or a folder that holds one."""
    return any(_is_export(path) for path in _find_files(source)[:_LOOKED_AT])


def _find_files(source: Path) -> list[Path]:
    return sorted(p for p in source.glob("*.json") if p.is_file()) if source.is_dir() else [source]


def _is_export(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            begin = file.read(1 << 16)
    except OSError:
        return False
    return (
        path.suffix.lower() == ".json" and begin.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"[") and b'"data"' in begin
    )


def read(source: Path) -> LabelSet:
    """An export, or all in a folder.

    Raises:
        DataError: there is no file, or one cannot be read, or is no export in the form JSON.
    """
    skipped: list[Skipped] = []
    found: list[tuple[LabelledPicture, list[LooseBody]]] = []
    files = _find_files(source)
    if not files:
        raise DataError(f"{source}: no .json file")
    for path in files:
        tasks = read_json_file(path)
        if not isinstance(tasks, list):
            raise DataError(f"{path}: not an export of Label Studio; expected a list of tasks")
        for number, task in enumerate(tasks, 1):
            where = f"{path}, task {number}"
            try:
                found.append(_read_task(source if source.is_dir() else source.parent, task, where, skipped))
            except (ValueError, TypeError, AttributeError) as error:
                skipped.append(Skipped(where, str(error)))
    if not found and skipped:
        raise DataError(f"{skipped[0].file}: {skipped[0].reason}")
    categories = name_keypoints(body for _, bodies in found for body in bodies)
    with_points = ((picture, [body for body in bodies if body.points]) for picture, bodies in found)
    pictures = assemble_pictures(with_points, categories, skipped)
    return LabelSet("label-studio", tuple(categories), pictures, tuple(skipped))


def _read_task(root: Path, task: Any, where: str, skipped: list[Skipped]) -> tuple[LabelledPicture, list[LooseBody]]:
    if not isinstance(task, Mapping) or not isinstance(task.get("data"), Mapping):
        raise ValueError("no task with data; export as JSON, not as JSON-MIN")
    address = next((v for v in task["data"].values() if isinstance(v, str) and "." in v.rsplit("/", 1)[-1]), None)
    if address is None:
        raise ValueError("its data name no picture")
    annotations = [a for a in task.get("annotations") or () if isinstance(a, Mapping) and not a.get("was_cancelled")]
    annotations.sort(key=lambda annotation: not annotation.get("ground_truth"))
    why = "a second one of the same picture; the first, or the ground truth, is taken"
    skipped += [Skipped(where, f"annotation {shorten(other.get('id'))}: {why}") for other in annotations[1:]]
    bodies: list[LooseBody] = []
    submitted = bool(annotations)
    size: Size | None = None
    score: float | None = None  # of a prediction
    if not task.get("annotations"):  # nobody has submitted anything
        annotations = [one for one in task.get("predictions") or () if isinstance(one, Mapping)][:1]
        said = parse_number(annotations[0].get("score")) if annotations else 0.0
        score = (said if 0 <= said <= 1 else 1.0) if annotations else None  # 1 where it does not say
    if annotations:
        results = annotations[0].get("result")
        if not isinstance(results, list):
            raise ValueError("an annotation without a result")
        size = _find_size(results)
        scorer = annotations[0].get("completed_by") if score is None else annotations[0].get("model_version")
        scorer = scorer.get("email", scorer.get("id", "")) if isinstance(scorer, Mapping) else scorer
        found = _read_bodies(results, "" if scorer is None else str(scorer), where, skipped)
        bodies = [dataclasses.replace(body, score=score) for body in found]
    name = _name_picture(address)
    plain = _UPLOADED.sub("", name)
    query = parse_qs(urlsplit(address).query).get("d", [""])[0]
    file = find_first([root / "images" / name, root / name, root / query, root / plain, root / "images" / plain])
    unseen = not submitted and not bodies  # nobody has said that there is nobody
    picture = LabelledPicture(
        plain, (), file=file or root / "images" / name, size=size, frame=find_number(plain), partial=unseen
    )
    return _name_origin(picture, task.get("meta"), root), bodies


def _name_origin(picture: LabelledPicture, meta: object, root: Path) -> LabelledPicture:
    """By the file that it was before it was uploaded, where whoever did that has noted it (`meta.original_file`)."""
    origin = meta.get("original_file") if isinstance(meta, Mapping) else None
    if not isinstance(origin, str) or "/" not in origin:
        return picture
    video, _, name = origin.replace("\\", "/").rpartition("/")
    video = video.rpartition("/")[2]
    found = find_first([root / origin, root / video / name])
    return dataclasses.replace(
        picture, name=f"{video}/{name}", video=video, file=found or picture.file, frame=find_number(name)
    )


def _name_picture(address: str) -> str:
    parts = urlsplit(address)
    path = parse_qs(parts.query).get("d", [parts.path])[0]
    return unquote(path).replace("\\", "/").rsplit("/", 1)[-1]


def _find_size(results: list[Any]) -> Size | None:
    for result in results:
        if isinstance(result, Mapping) and "original_width" in result:
            height = parse_whole(result.get("original_height"), "original_height", least=1)
            return height, parse_whole(result["original_width"], "original_width", least=1)
    return None


def _read_bodies(results: list[Any], scorer: str, where: str, skipped: list[Skipped]) -> list[LooseBody]:
    entries = [result for result in results if isinstance(result, Mapping)]
    parents: dict[str, str] = {}
    for one in entries:
        if one.get("type") == "relation":
            a, b = str(one.get("from_id")), str(one.get("to_id"))
            parents[a], parents[b] = b, a
    boxes = {str(one.get("id")): one for one in entries if "rectanglelabels" in (one.get("value") or {})}
    points: dict[str, dict[str, Place]] = {}
    for one in entries:
        value = one.get("value") or {}
        try:
            if "keypointlabels" in value:
                name, place = _read_point(one, value)
                parent = str(one.get("parentID") or "") or parents.get(str(one.get("id")), "")
                here = points.setdefault(parent if parent in boxes else "", {})
                if name in here:
                    raise ValueError(
                        f"a second {name!r} of one animal; give each point of it the rectangle around it as its parent"
                    )
                here[name] = place
            elif one.get("type") not in ("relation", "rectanglelabels", "choices", "textarea", "labels", "rectangle"):
                raise ValueError(f"a {one.get('type')} is no point")
        except (ValueError, TypeError, IndexError, AttributeError) as error:
            skipped.append(Skipped(where, f"region {shorten(one.get('id'))}: {error}"))
    bodies = []
    for parent, places in points.items():
        category, box = "animal", None
        if parent:
            value = boxes[parent]["value"]
            category = str(value["rectanglelabels"][0])
            width, height = _read_original(boxes[parent])
            scale = np.array([width, height, width, height]) / 100
            box = np.array([parse_number(value.get(key)) for key in ("x", "y", "width", "height")]) * scale
        bodies.append(LooseBody(category, places, scorer=scorer, box=box))
    counted = Counter(str(boxes[parent]["value"]["rectanglelabels"]) for parent in boxes.keys() - points.keys())
    for kind, count in counted.items():
        skipped.append(Skipped(where, f"{count} rectangles {kind} without points"))
    return bodies


def _read_original(result: _Result) -> tuple[int, int]:
    width = parse_whole(result.get("original_width"), "original_width", least=1)
    return width, parse_whole(result.get("original_height"), "original_height", least=1)


def _read_point(result: _Result, value: _Result) -> tuple[str, Place]:
    if parse_number(result.get("image_rotation") or 0) % 360:
        raise ValueError("labelled on a turned picture; turn it back in Label Studio")
    scale = np.array(_read_original(result), np.float64)
    percent = np.array([parse_number(value.get("x")), parse_number(value.get("y"))])
    if not np.isfinite(percent).all() or (np.abs(percent) > 1000).any():
        raise ValueError(f"x and y must be percent, got {shorten(value)}")
    x, y = from_corner(percent * scale / 100).tolist()
    labels = value["keypointlabels"]
    if not isinstance(labels, list) or len(labels) != 1:
        raise ValueError(f"expected one label, got {shorten(labels)}")
    return str(labels[0]), (round(x, 6), round(y, 6), 1 if result.get("hidden") else 2)


READER = Reader("label-studio", "Label Studio (JSON)", detect, read)
