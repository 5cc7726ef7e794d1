"""Picked frames as pictures with predictions for labels, to be corrected and learnt from."""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np

from nimblepose.core.errors import DataError, MediaError
from nimblepose.core.files import make_folder, write_atomically
from nimblepose.core.skeleton import Skeleton
from nimblepose.data.entries import AREA_OF_BOX
from nimblepose.labels.label_set import choose_names
from nimblepose.media.encoding import encode_picture
from nimblepose.media.pictures import Picture, read_picture
from nimblepose.media.sources import open_frames
from nimblepose.report.finding import open_results
from nimblepose.results.reading import ReadResult
from nimblepose.results.reading_tables import TableFile
from nimblepose.training.picking import describe_frames, pick_frames

_FILE = "annotations.json"
_MARGIN = 0.15  # of the longer side, around keypoints


def write_picked(
    source: str, results: Path, out: Path, *, count: int, seed: int = 0, skeleton: Skeleton | None = None
) -> list[ReadResult]:
    """Pick frames of a video, or of a folder of pictures, and write them with their predictions as a COCO set.

    Args:
        source: What the results are of: a video, or the folder of the pictures.
        results: As `nimblepose track` or `predict` wrote them: JSON, CSV or Parquet.
        out: Folder to make: `annotations.json` and `images/`.
        count: How many frames.
        seed: See `pick_frames`.
        skeleton: Of the poses, where the results do not say.

    Returns:
        Those that were picked, in their order.

    Raises:
        DataError: a set is there already, or nobody was found at all.
        MediaError: results or source cannot be read, or do not belong together.
    """
    if (out / _FILE).exists():
        raise DataError(f"{out / _FILE} is there already, maybe with corrections; give another --out")
    opened = open_results(results, skeleton)
    frames = describe_frames(opened, in_time=opened.is_video)
    if not any(len(result.poses) for result in frames.results):
        raise DataError(f"{results}: nobody was found in any frame, so nothing tells which are worth labelling")
    picked = [frames.results[i] for i in pick_frames(frames, count, seed=seed)]
    make_folder(out / "images")
    entries: list[tuple[str, ReadResult]] = []
    sizes_known = not isinstance(opened, TableFile) or opened.sizes_known
    names = dict(zip(picked, _name_pictures(source, picked, is_video=opened.is_video), strict=True))
    pictures = _read_frames(source, picked) if opened.is_video else _read_pictures(Path(source), picked)
    for result, picture in pictures:
        size = (picture.shape[0], picture.shape[1])
        if size != result.size and (sizes_known or size[0] < result.size[0] or size[1] < result.size[1]):
            raise MediaError(
                f"{source}: frame {result.frame} has (height, width) {picture.shape[:2]}, the results were found in "
                f"{result.size}; give the video that they are of"
            )
        write_atomically(out / "images" / names[result], encode_picture(picture, ".png"))
        entries.append((names[result], dataclasses.replace(result, size=size)))
    if len(entries) < len(picked):
        raise MediaError(f"{source} has {len(entries)} of the {len(picked)} picked frames; the results are of another")
    coco = build_coco(entries, frames.results[0].poses.skeleton)
    write_atomically(out / _FILE, (json.dumps(coco) + "\n").encode())
    return picked


def build_coco(entries: Sequence[tuple[str, ReadResult]], skeleton: Skeleton) -> dict[str, Any]:
    """A COCO keypoint file of predictions; what was not found is not labelled.

    Args:
        entries: Names of pictures, and what was found in them.
        skeleton: Of the poses; derived keypoints are left out, as in all annotations.
    """
    index = {name: i + 1 for i, name in enumerate(skeleton.annotated)}
    limbs = [[index[a], index[b]] for a, b in skeleton.limbs if a in index and b in index]
    coco: dict[str, Any] = {
        "info": {"description": "Predictions of nimblepose, to be corrected before anything learns from them"},
        "images": [],
        "annotations": [],
        "categories": [{"id": 1, "name": skeleton.name, "keypoints": list(skeleton.annotated), "skeleton": limbs}],
    }
    for number, (name, result) in enumerate(entries, start=1):
        height, width = result.size
        coco["images"].append(
            {"id": number, "file_name": name, "height": height, "width": width, "frame": result.frame}
        )
        for row in result.poses.to_coco(number, category_id=1):
            keypoints = np.array(row["keypoints"], np.float64).reshape(-1, 3)
            found = keypoints[:, 2] > 0
            if not found.any():
                continue
            keypoints = np.where(found[:, None], np.column_stack([keypoints[:, :2], np.full(len(found), 2)]), 0)
            low, high = keypoints[found, :2].min(axis=0), keypoints[found, :2].max(axis=0)
            margin = max(1.0, _MARGIN * float((high - low).max()))  # what is stretched out has a box of no width
            low, high = np.maximum(low - margin, 0), np.minimum(high + margin, [width, height])
            box = np.concatenate([low, high - low]).round(2).tolist()
            coco["annotations"].append({
                "id": len(coco["annotations"]) + 1, "image_id": number, "category_id": 1, "iscrowd": 0,
                "keypoints": keypoints.round(2).ravel().tolist(), "num_keypoints": int(found.sum()), "bbox": box,
                "area": round(AREA_OF_BOX * box[2] * box[3], 2), "score": row["score"],
            })  # fmt: skip
    return coco


def _name_pictures(source: str, picked: Sequence[ReadResult], *, is_video: bool) -> list[str]:
    """A file name for each, unlike all others: pictures of several folders may be called the same."""
    stems = [PureWindowsPath(result.file or source).stem.replace(":", "_") for result in picked]  # of other systems too
    frames = [f"_{result.frame:06d}" if is_video else "" for result in picked]
    return choose_names([f"{stem}{frame}.png" for stem, frame in zip(stems, frames, strict=True)])


def _read_frames(source: str, picked: Sequence[ReadResult]) -> Iterator[tuple[ReadResult, Picture]]:
    wanted = {result.frame: result for result in picked}
    with closing(open_frames(source)) as frames:
        for frame in frames:
            if frame.index in wanted:
                yield wanted.pop(frame.index), frame.image
            if not wanted:
                return


def _read_pictures(folder: Path, picked: Sequence[ReadResult]) -> Iterator[tuple[ReadResult, Picture]]:
    for result in picked:
        places = [folder / result.file, folder / PureWindowsPath(result.file).name, Path(result.file)]
        place = next((place for place in places if place.is_file()), None)
        if place is None:
            raise MediaError(f"{folder} has no picture {result.file}, which the results are of")
        yield result, read_picture(place)
