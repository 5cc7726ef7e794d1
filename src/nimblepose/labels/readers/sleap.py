"""SLEAP projects, `.slp` and `.pkg.slp`, read as they lie in the file.

The pixel is the centre, as ours; files of format below 1.1 count from the corner, so half a pixel goes off. Instances
that a person has made and those that a model found stand beside each other: of a prediction that a person has taken
over only the person's is taken.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np

from nimblepose.core.errors import DataError, PoseError
from nimblepose.core.geometry import Size, from_corner
from nimblepose.core.optional import import_optional
from nimblepose.labels.label_set import Category, Label, LabelledPicture, LabelSet, Skipped, add_category, rename
from nimblepose.labels.reader import Reader
from nimblepose.labels.values import decode_text, find_first, list_files, make_label
from nimblepose.media.encoding import encode_picture
from nimblepose.media.pictures import read_picture

_MAX_ROWS = 1 << 27  # of a table that is read as a whole


class _Video(NamedTuple):
    name: str
    path: Path | None  # of the video
    pictures: tuple[Path, ...]  # of a sequence of pictures, their files
    dataset: str  # of frames in this file; "" where there are none
    numbers: Mapping[int, int]  # frame in the source -> place in the dataset
    size: Size | None = None  # (height, width), where it is known


def detect(source: Path) -> bool:
    """A file of SLEAP, or a folder that holds some and nothing of another tool."""
    return bool(list_files(source, ".slp"))


def read(source: Path) -> LabelSet:
    """One file, or all in a folder.

    Raises:
        DataError: a file that cannot be read, or none.
        MissingPackageError: h5py is not installed.
    """
    files = list_files(source, ".slp")
    if not files:
        raise DataError(f"{source}: no .slp file")
    categories: dict[str, Category] = {}
    pictures: list[LabelledPicture] = []
    skipped: list[Skipped] = []
    for path in files:
        try:
            pictures += _read_file(path, categories, skipped)
        except PoseError:
            raise
        except (OSError, KeyError, ValueError, TypeError, IndexError, AttributeError, RuntimeError) as error:
            raise DataError(f"{path}: not a file of SLEAP, or damaged ({error})") from error
    return LabelSet("slp", tuple(categories.values()), rename(pictures), tuple(skipped))


def _read_file(path: Path, categories: dict[str, Category], skipped: list[Skipped]) -> list[LabelledPicture]:
    h5py = import_optional("h5py", "SLEAP")
    with h5py.File(path, "r") as file:
        about = json.loads(file["metadata"].attrs["json"])
        version = float(file["metadata"].attrs.get("format_id", 1.0))
        skeletons = [_read_skeleton(entry, about["nodes"]) for entry in about["skeletons"]]
        kinds = [add_category(categories, skeleton) for skeleton in skeletons]
        videos = [_read_video(path, file, json.loads(text), n) for n, text in enumerate(file["videos_json"][()])]
        tracks = [_name_track(json.loads(text)) for text in file["tracks_json"][()]] if "tracks_json" in file else []
        frames, instances = _read_rows(file["frames"]), _read_rows(file["instances"])
        points = {0: _read_points(file["points"], version), 1: _read_points(file["pred_points"], version)}
    taken_over = {int(i) for i in instances["from_predicted"].tolist() if i >= 0}
    pictures = []
    for row in frames:
        video, number, labels = videos[int(row["video"])], int(row["frame_idx"]), []
        first, last = int(row["instance_id_start"]), int(row["instance_id_end"])
        if not first <= last <= len(instances):
            raise ValueError(f"frame {number} has instances {first} to {last} of {len(instances)}")
        where = f"{video.name}, frame {number}"
        for index in range(first, last):
            instance = instances[index]
            if int(instance["instance_type"]) == 1 and int(instance["instance_id"]) in taken_over:
                continue
            kind = int(instance["skeleton"])
            try:
                label = _make_label(instance, kinds[kind], len(skeletons[kind].keypoints), points, tracks)
            except ValueError as error:
                skipped.append(Skipped(str(path), f"{where}, instance {index}: {error}"))
                continue
            labels.append(label)
        pictures.append(_place_picture(path, video, number, tuple(labels)))
    return pictures


def _read_rows(stored: Any) -> Any:
    if stored.size > _MAX_ROWS or stored.dtype.names is None:
        raise ValueError(f"{stored.name} has {stored.size} rows of {stored.dtype}")
    return stored[()]


def _read_points(stored: Any, version: float) -> Any:
    """Rows of points: x, y, visible, and the score of those found."""
    rows = _read_rows(stored)
    xy = np.stack([rows["x"], rows["y"]], axis=-1).astype(np.float64).reshape(-1, 2)
    xy = np.asarray(from_corner(xy) if version < 1.1 else xy)
    score = rows["score"].astype(np.float64) if "score" in rows.dtype.names else None
    return xy, rows["visible"].astype(bool), score


def _make_label(instance: Any, category: str, count: int, points: Mapping[int, Any], tracks: Sequence[str]) -> Label:
    kind = int(instance["instance_type"])
    xy, visible, scores = points[kind]
    first, last = int(instance["point_id_start"]), int(instance["point_id_end"])
    if last - first != count or last > len(xy):
        raise ValueError(f"{last - first} points for {count} keypoints")
    track = int(instance["track"])
    chosen = xy[first:last]
    score = float(instance["score"]) if kind == 1 and np.isfinite(instance["score"]) else None
    return make_label(
        category,
        chosen,
        np.where(visible[first:last], 2, 0),  # nodes that are not there keep the place where they were put first
        keypoint_scores=None if scores is None else np.nan_to_num(scores[first:last]),
        score=score,
        identity=tracks[track] if 0 <= track < len(tracks) else "",
    )


def _read_skeleton(entry: Mapping[str, Any], nodes: Sequence[Mapping[str, Any]]) -> Category:
    """Nodes are named by their place in a list of the file; edges of type 1 are limbs, those of 2 symmetries."""
    order = [int(node["id"]) for node in entry["nodes"]]
    names = [str(nodes[i]["name"]) for i in order]
    limbs: list[tuple[str, str]] = []
    types: list[int] = []
    for link in sorted(entry.get("links") or [], key=lambda link: int(link.get("edge_insert_idx", 0))):
        kind = _find_edge_type(link.get("type"), types)
        if kind == 1:
            limbs.append((str(nodes[int(link["source"])]["name"]), str(nodes[int(link["target"])]["name"])))
    return Category(str(entry.get("graph", {}).get("name") or "skeleton"), tuple(names), tuple(dict.fromkeys(limbs)))


def _find_edge_type(value: Any, seen: list[int]) -> int:
    """1 or 2, however jsonpickle has written it: in full the first time, by its number after that."""
    if isinstance(value, int):
        return value
    if "py/id" in value:
        number = int(value["py/id"])
        return seen[number - 1] if 0 < number <= len(seen) else 1
    parts = value["py/reduce"]
    kind = int(next(part["py/tuple"][0] for part in parts if "py/tuple" in part))
    seen.append(kind)
    return kind


def _name_track(entry: Any) -> str:
    return str(entry[1] if isinstance(entry, list) else entry["name"])


def _read_video(path: Path, file: Any, entry: Mapping[str, Any], number: int) -> _Video:
    """Where its frames are: pictures in this file (a package), a file of video, or a list of pictures."""
    backend = entry.get("backend") or entry
    name = backend.get("filename", entry.get("filename", ""))
    named = entry.get("filename", name)
    listed = backend.get("filenames") or backend.get("image_filenames") or (named if isinstance(named, list) else ())
    dataset = str(backend.get("dataset") or "")
    numbers: dict[int, int] = {}
    if dataset and f"{dataset}/video" in file:
        dataset = f"{dataset}/video"
    if dataset and dataset in file:
        group = file[dataset].parent
        if "frame_numbers" in group:
            numbers = {int(frame): place for place, frame in enumerate(group["frame_numbers"][()])}
        if "source_video" in group:
            source = json.loads(group["source_video"].attrs["json"])
            name = (source.get("backend") or source).get("filename", "")
        name = name[0] if isinstance(name, list) and name else name
        stem = PurePosixPath(str(name).replace("\\", "/")).stem if name and name != "." else f"video{number}"
        return _Video(stem, None, (), dataset, numbers)
    if listed:
        files = tuple(_find_file(path, str(one)) for one in listed)
        return _Video(files[0].parent.name or f"video{number}", None, files, "", {})
    found = _find_file(path, str(name))
    shape = backend.get("shape")  # frames, height, width, channels
    size = (int(shape[1]), int(shape[2])) if isinstance(shape, list) and len(shape) == 4 and all(shape) else None
    return _Video(found.stem or f"video{number}", found, (), "", {}, size)


def _find_file(path: Path, name: str) -> Path:
    """As the file names it, or else beside the project: it was made on another machine, perhaps of another system."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", "..", ".")]
    folder = path.parent
    nearby = [folder.joinpath(*parts[-count:]) for count in range(1, min(len(parts), 4) + 1)]
    return find_first([Path(name), *nearby]) or (nearby[0] if nearby else Path(name))


def _place_picture(path: Path, video: _Video, number: int, labels: tuple[Label, ...]) -> LabelledPicture:
    name = f"{video.name}/{number:06d}.png"
    content: Callable[[], bytes] | None = None
    file = None
    if video.dataset:
        place = video.numbers.get(number, None if video.numbers else number)
        if place is not None:
            content = _Embedded(path, video.dataset, place).read
    elif video.pictures:
        file = video.pictures[number] if number < len(video.pictures) else None
        name = f"{video.name}/{file.name if file else f'{number:06d}.png'}"
    return LabelledPicture(
        name, labels, file=file, content=content, video_file=video.path, video=video.name, frame=number, size=video.size
    )  # fmt: skip


class _Embedded(NamedTuple):
    """A frame that lies in a package."""

    path: Path
    dataset: str
    place: int

    def read(self) -> bytes:
        """The bytes of its file."""
        h5py = import_optional("h5py", "SLEAP")
        with h5py.File(self.path, "r") as file:
            stored = file[self.dataset]
            form, order = (decode_text(stored.attrs.get(key, "")) for key in ("format", "channel_order"))
            value = np.asarray(stored[self.place])
        if form in ("", "hdf5"):  # pixels
            picture = np.repeat(value, 3, axis=-1) if value.ndim == 3 and value.shape[-1] == 1 else value
            if picture.ndim != 3 or picture.shape[-1] != 3 or picture.dtype != np.uint8:
                raise DataError(f"{self.path}: frame {self.place} of {self.dataset} is no picture ({value.shape})")
            return encode_picture(np.ascontiguousarray(picture), ".png")
        data = value.astype(np.int8).tobytes().rstrip(b"\0")  # rows of one length: the rest is zeros
        if order == "RGB":
            return data
        picture = read_picture(data)  # as OpenCV encodes: blue for red
        grey = bool((picture == picture[..., :1]).all())
        return data if grey else encode_picture(np.ascontiguousarray(picture[..., ::-1]), ".png")


READER = Reader("slp", "SLEAP", detect, read)
