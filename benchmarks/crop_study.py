"""Who is found of whom only a part is in the picture? Crops of well-labelled people, as a photographer might take them.

    python benchmarks/crop_study.py MODEL.onnx DATA/ [--height 256] [--limit 150] [--keep FIELDS/]

DATA is a folder in COCO layout that no reported figure is computed on. Taken are people with all keypoints labelled who
stand or sit upright, 150 pixels and more tall, spread over the file. A crop is left out where somebody else has a
keypoint in it. Found is who has a pose with an OKS of 0.5 or more over the labelled keypoints in the crop, by the
thresholds of `predict`; the area in OKS stays that of the whole person.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.oks import compute_oks
from nimblepose.core.skeleton import HUMAN_18
from nimblepose.data.coco import Record, load_records
from nimblepose.data.sets import locate_set
from nimblepose.evaluation.coco import select_oks_sigmas
from nimblepose.media.pictures import read_picture
from nimblepose.runtime.estimator import PoseEstimator

TALL = 150  # pixels from which on a person's box counts
MARGIN = 0.1  # around the box, as a share of its height
FOUND = 0.5  # OKS from which on a person is found
KINDS = ("legs", "torso", "left half", "right half", "no head", "head and shoulders", "whole")


class Crop(NamedTuple):
    """A part of a picture that shows a part of one person."""

    kind: str
    name: str
    record: Record
    person: int
    box: tuple[int, int, int, int]  # x0, y0, x1, y1 in pixels

    @property
    def xy(self) -> NDArray[np.float32]:
        """Labels in pixels of the crop, (1, K, 2), NaN outside of it."""
        return (inside(self.record.xy[self.person], self.box) - np.float32(self.box[:2]))[None]


def inside(xy: NDArray[np.float32], box: tuple[int, int, int, int]) -> NDArray[np.float32]:
    """Keypoints (..., 2), NaN where they lie outside."""
    kept = ((xy >= box[:2]) & (xy <= np.array(box[2:]) - 1)).all(axis=-1, keepdims=True)
    return np.where(kept, xy, np.float32(np.nan))


def list_crops(record: Record, person: int) -> Iterator[Crop]:
    """The crops of one person; none of somebody bent over or upside down."""
    xy, (x0, y0, width, height) = record.xy[person], record.boxes[person].tolist()
    place = {name: xy[i] for i, name in enumerate(HUMAN_18.keypoints)}
    shoulders, hips, knees = (
        (place[f"left_{name}"] + place[f"right_{name}"])[1] / 2 for name in ("shoulder", "hip", "knee")
    )
    if not (shoulders + 0.1 * height < hips and hips + 0.05 * height < knees):
        return
    margin, middle = MARGIN * height, float(np.mean([place[f"{s}_{n}"][0] for s in ("left", "right") for n in
                                                     ("shoulder", "hip")]))  # fmt: skip
    left, top, right, bottom = x0 - margin, y0 - margin, x0 + width + margin, y0 + height + margin
    above, below = shoulders - 0.05 * height, hips + 0.05 * height
    rows, columns = record.size
    for kind, (x_from, y_from, x_to, y_to) in {
        "legs": (left, hips - 0.05 * height, right, bottom),
        "torso": (left, above, right, below),
        "left half": (left, top, middle, bottom),
        "right half": (middle, top, right, bottom),
        "no head": (left, above, right, bottom),
        "head and shoulders": (left, top, right, shoulders + 0.1 * height),
        "whole": (left, top, right, bottom),
    }.items():
        box = max(round(x_from), 0), max(round(y_from), 0), min(round(x_to), columns), min(round(y_to), rows)
        others = np.delete(inside(record.xy, box), person, axis=0)
        if np.isnan(others).all() and min(box[2] - box[0], box[3] - box[1]) >= 16:
            yield Crop(kind, f"{record.image_id}-{person}-{kind.replace(' ', '_')}", record, person, box)


def choose_people(records: list[Record], limit: int) -> list[tuple[Record, int]]:
    """People with every keypoint, spread over the file."""
    whole = [
        (record, i)
        for record in records
        for i in range(len(record.xy))
        if not np.isnan(record.xy[i]).any() and record.boxes[i, 3] >= TALL and any(True for _ in list_crops(record, i))
    ]
    count = min(limit or len(whole), len(whole))
    return [whole[i * len(whole) // count] for i in range(count)]


def main() -> None:
    """Cut, find, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--height", type=int, default=256)
    parser.add_argument("--limit", type=int, default=150, help="people; 0: all")
    parser.add_argument("--keep", type=Path, help="folder in which the network's outputs stay, for the next run")
    arguments = parser.parse_args()
    estimator = PoseEstimator(arguments.model, backend="onnxruntime", input_height=arguments.height)
    annotations, images = locate_set(arguments.data)
    people = choose_people(load_records([annotations], [images], estimator.skeleton), arguments.limit)
    annotated, sigmas = estimator.skeleton.annotated_indices, select_oks_sigmas(estimator.skeleton)
    crops: dict[str, int] = dict.fromkeys(KINDS, 0)
    found, poses_made, twice = dict(crops), dict(crops), dict(crops)
    for record, person in people:
        picture = read_picture(record.path)
        for crop in list_crops(record, person):
            x0, y0, x1, y1 = crop.box
            part = np.ascontiguousarray(picture[y0:y1, x0:x1])
            placement = estimator.place(part)
            poses = estimator.decode(*compute_fields(estimator, part, crop, arguments.keep), placement)
            alike = compute_oks(
                poses.keypoints[:, annotated],
                crop.xy[:, annotated],
                oks_sigmas=sigmas,
                area=record.areas[[person]],
            )
            crops[crop.kind] += 1
            found[crop.kind] += bool(alike.max(initial=0) >= FOUND)
            poses_made[crop.kind] += len(poses)
            twice[crop.kind] += len(poses) > 1
    print(f"{len(people)} people, height {arguments.height}\n")
    print("| in the picture | crops | found | poses per crop | crops with two poses or more |\n" + "|---" * 5 + "|")
    for kind in KINDS:
        n = max(crops[kind], 1)
        share = f"{found[kind] / n:.2f} | {poses_made[kind] / n:.2f} | {twice[kind] / n:.2f}"
        print(f"| {kind} | {crops[kind]} | {share} |")


def compute_fields(
    estimator: PoseEstimator, part: NDArray[np.uint8], crop: Crop, keep: Path | None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Heatmaps and PAFs of a crop, out of the folder where they are kept (in half precision)."""
    file = keep / f"{crop.name}-{estimator.input_height}.npz" if keep else None
    if file and file.exists():
        with np.load(file) as kept:
            return kept["heatmaps"].astype(np.float32), kept["pafs"].astype(np.float32)
    heatmaps, pafs = (field[0].copy() for field in estimator.compute_fields([part], estimator.place(part)))
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez(file, heatmaps=heatmaps.astype(np.float16), pafs=pafs.astype(np.float16))
    return heatmaps, pafs


if __name__ == "__main__":
    main()
