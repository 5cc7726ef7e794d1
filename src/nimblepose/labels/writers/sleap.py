"""A file of SLEAP, format 1.4: what people labelled as their instances, what a model found as predicted ones."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nimblepose.core.mirror_names import guess_mirror_pairs
from nimblepose.core.optional import import_optional
from nimblepose.labels.label_set import Category, LabelledPicture, LabelSet
from nimblepose.labels.writer import Writer
from nimblepose.results.formats.slp import KINDS, SlpTables, create_slp


@dataclass(frozen=True)
class _Nodes:
    name: str
    keypoints: tuple[str, ...]
    limbs: tuple[tuple[str, str], ...]
    mirror_pairs: tuple[tuple[str, str], ...]


def write(labels: LabelSet, out: Path) -> list[Path]:
    """A file; videos and pictures stay where they are, and are named in it.

    Raises:
        MissingPackageError: h5py is not installed.
        MediaError: it cannot be written.
    """
    h5py = import_optional("h5py", "SLEAP")
    videos, places = _list_videos(labels)
    every = [(picture, label) for picture in labels.pictures for label in picture.labels]
    tracks = {name: i for i, name in enumerate(dict.fromkeys(one.identity for _, one in every if one.identity))}
    kinds = {category.name: i for i, category in enumerate(labels.categories)}
    frames = np.zeros(len(labels.pictures), KINDS["frames"])
    instances = np.zeros(len(every), KINDS["instances"])
    points, found = [np.zeros(0, KINDS["points"])], [np.zeros(0, KINDS["pred_points"])]
    counts, row = [0, 0], 0
    for at, picture in enumerate(labels.pictures):
        frames[at] = (at, *places[at], row, row + len(picture.labels))
        for label in picture.labels:
            predicted = int(label.score is not None)
            values = np.zeros(len(label.visibility), KINDS["pred_points" if predicted else "points"])
            values["x"], values["y"] = label.xy.T
            values["visible"] = label.labelled
            if predicted:
                values["score"] = label.labelled if label.keypoint_scores is None else label.keypoint_scores
            first, counts[predicted] = counts[predicted], counts[predicted] + len(values)
            (found if predicted else points).append(values)
            track, score = tracks.get(label.identity, -1), label.score or 0
            instances[row] = (
                row,
                predicted,
                at,
                kinds[label.category],
                track,
                -1,
                score,
                first,
                counts[predicted],
                np.nan,
            )
            row += 1
    text = h5py.string_dtype()
    with create_slp(out, [_describe(one) for one in labels.categories]) as file:
        names = [json.dumps([0, name], ensure_ascii=False) for name in tracks]
        for name, values_ in (
            ("videos_json", videos),
            ("tracks_json", names),
            ("suggestions_json", []),
            ("sessions_json", []),
        ):
            file.create_dataset(name, data=np.array(values_, object), dtype=text, shape=(len(values_),))
        tables = SlpTables(file)
        rows = {
            "frames": frames,
            "instances": instances,
            "points": np.concatenate(points),
            "pred_points": np.concatenate(found),
        }
        for name, table in rows.items():
            tables.append(name, table)
    return [out]


def _describe(category: Category) -> _Nodes:
    return _Nodes(category.name, category.keypoints, category.limbs, guess_mirror_pairs(category.keypoints))


def _list_videos(labels: LabelSet) -> tuple[list[str], list[tuple[int, int]]]:
    """JSON of each video, and of each picture the number of its video and frame.

    Pictures of one folder are a video whose frames are files; frames of a video are numbered as they are there.
    """
    groups: dict[tuple[str, bool], list[int]] = {}
    for at, picture in enumerate(labels.pictures):
        groups.setdefault((picture.video, picture.file is None and picture.frame is not None), []).append(at)
    videos, places = [], [(0, 0)] * len(labels.pictures)
    for number, ((video, is_video), members) in enumerate(groups.items()):
        pictures = [labels.pictures[at] for at in members]
        if is_video:
            name = str(pictures[0].video_file or video)
            videos.append(json.dumps({"filename": name, "backend": {"type": "MediaVideo", "filename": name}}))
            for at in members:
                places[at] = number, int(labels.pictures[at].frame or 0)
        else:
            files = [str(picture.file or picture.name) for picture in pictures]
            videos.append(json.dumps({"filename": files, "backend": _describe_pictures(pictures, files)}))
            for frame, at in enumerate(members):
                places[at] = number, frame
    return videos, places


def _describe_pictures(pictures: list[LabelledPicture], files: list[str]) -> dict[str, object]:
    size = pictures[0].size
    height, width = size or (0, 0)
    shape = {"shape": [len(files), height, width, 3], "height_": height, "width_": width} if size else {}
    return {"type": "ImageVideo", "filename": files[0], "filenames": files, **shape}


WRITER = Writer(
    "slp", "SLEAP", frozenset(("names", "scores", "frames", "nobody", "categories", "limbs", "unseen")), write, ".slp"
)
