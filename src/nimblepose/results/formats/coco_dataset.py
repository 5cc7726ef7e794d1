"""A COCO data set: pictures, annotations and categories, which annotation tools open; results alone they do not.

Pictures and frames without anybody are in it. A keypoint that was seen has visibility 2, one that was put in place
(completed, interpolated) 1. Places count from the corner, as always in COCO.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from nimblepose.core.files import GrowingFile
from nimblepose.core.geometry import Size
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import COCO_17, Skeleton
from nimblepose.results.output_format import (
    FolderMaker,
    Header,
    OutputFormat,
    PictureResult,
    VideoMaker,
    encode_json,
    name_person,
    round_seconds,
)
from nimblepose.results.spool import Spool, SpooledFile, take_chunks

_CHUNK = 500  # entries that are written at a time
_BODY_OF_BOX = 0.5  # area of a body over that of its box, about


def encode_category(skeleton: Skeleton, number: int = 1) -> dict[str, Any]:
    """The category: annotated keypoints in the order of annotation files, limbs counted from 1."""
    place = {name: i for i, name in enumerate(skeleton.annotated, 1)}
    limbs = [[place[a], place[b]] for a, b in skeleton.limbs if a in place and b in place]
    name = "person" if skeleton.annotated == COCO_17.keypoints else skeleton.name
    return {"id": number, "name": name, "supercategory": "", "keypoints": list(skeleton.annotated), "skeleton": limbs}


def encode_people(
    poses: Poses, image_id: int, first: int, header: Header, category_id: int = 1
) -> list[dict[str, Any]]:
    """Annotations of everybody in a picture, numbered from `first`."""
    order, chosen = poses.skeleton.annotated_indices, np.argsort(-poses.scores, kind="stable")
    found = poses.found[chosen][:, order]
    seen = (poses.seen & ~poses.interpolation_flags)[chosen][:, order]
    flags = np.where(found, np.where(seen, 2, 1), 0).tolist()
    annotations: list[dict[str, Any]] = []
    for i, result in enumerate(poses.to_coco(image_id, category_id=category_id)):
        values, visible = result["keypoints"], flags[i]
        scores = values[2::3]
        values[2::3] = visible
        width, height = result["bbox"][2:]
        annotation = {
            "id": first + i,
            "image_id": image_id,
            "category_id": category_id,
            "keypoints": values,
            "num_keypoints": sum(flag > 0 for flag in visible),
            "bbox": result["bbox"],
            "area": round(width * height * _BODY_OF_BOX, 3),
            "iscrowd": 0,
            "score": round(result["score"], 4),
            "keypoint_scores": [round(score, 4) for score in scores],
        }
        if poses.keypoint_errors is not None:
            off = np.where(found[i], poses.keypoint_errors[chosen[i], order], np.nan).tolist()
            annotation["keypoint_errors"] = [round(error, 2) if math.isfinite(error) else None for error in off]
        if poses.track_ids is not None:
            annotation |= {"track_id": result["track_id"], "identity": name_person(result["track_id"], header)}
        annotations.append(annotation)
    return annotations


def coco_dataset(results: Sequence[PictureResult], header: Header) -> bytes:
    """The set of many pictures."""
    kinds = {skeleton.name: number for number, skeleton in enumerate(header.skeletons, 1)}
    images = [_encode_picture(r.number or len(results) + 1, r.file, r.size) for r in results]
    annotations: list[dict[str, Any]] = []
    for result, image in zip(results, images, strict=True):
        category = kinds[result.poses.skeleton.name]
        annotations += encode_people(result.poses, image["id"], len(annotations) + 1, header, category)
    categories = [encode_category(skeleton, kinds[skeleton.name]) for skeleton in header.skeletons]
    return encode_json({"images": images, "annotations": annotations, "categories": categories}) + b"\n"


def _encode_picture(number: int, name: str, size: Size) -> dict[str, Any]:
    return {"id": number, "file_name": name, "height": size[0], "width": size[1]}


def list_files(path: Path) -> list[str]:
    """The pictures of such a file."""
    import json

    return [str(image["file_name"]) for image in json.loads(path.read_bytes())["images"]]


def write_dataset(path: Path, spool: Spool, header: Header) -> None:
    """The set of a video: frames are pictures `VIDEO/000012.png`, counted from 1; memory is that of some frames."""
    file = GrowingFile(path)
    file.append(b'{"categories":' + encode_json([encode_category(spool.skeleton)]) + b',"images":[')
    video = Path(header.source or "video").stem or "video"

    def encode_images() -> Iterator[dict[str, Any]]:
        for number, (stamp, _) in enumerate(spool, 1):
            name = stamp.name or f"{video}/{stamp.index:06d}.png"
            about = {"video": video, "frame": stamp.index, "time": round_seconds(stamp.time)}
            yield _encode_picture(number, name, stamp.size) | about

    def encode_annotations() -> Iterator[dict[str, Any]]:
        count = 0
        for number, (_, poses) in enumerate(spool, 1):
            people = encode_people(poses, number, count + 1, header)
            count += len(people)
            yield from people

    _append_list(file, encode_images())
    file.append(b'],"annotations":[')
    _append_list(file, encode_annotations())
    file.append(b"]}\n")
    file.finish()


def _append_list(file: GrowingFile, entries: Iterable[dict[str, Any]]) -> None:
    comma = b""
    for chunk in take_chunks(entries, _CHUNK):
        file.append(comma + b",\n".join(encode_json(entry) for entry in chunk))
        comma = b",\n"


FORMAT = OutputFormat(
    name="coco-dataset",
    help="a COCO data set for annotation tools",
    folder=FolderMaker(".coco-dataset.json", coco_dataset, list_files),
    video=VideoMaker(".poses.coco-dataset.json", partial(SpooledFile, write=write_dataset)),
)
