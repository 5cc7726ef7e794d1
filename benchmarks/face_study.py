"""How many faces does `--blur-faces` leave, and how much of the picture does it cover?

    python benchmarks/face_study.py DATA/ [--model MODEL] [--height 256] [--min-score 0.3] [--limit N]

DATA is a folder in COCO layout. A clear face is one whose nose and both eyes are labelled as visible; it is 2.5
distances between the eyes wide. It is covered if all three places are blurred. The blurred share of the area is given
of the pictures that have people (those labelled completely: all of them do), and of the parts of these pictures beside,
above or below everybody's boxes, at least 160 pixels wide and high, which are given to the estimator as pictures of
their own. "results" is what blurring the people of the results alone leaves.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nimblepose.codec.options import DecodeOptions
from nimblepose.core.geometry import from_corner
from nimblepose.core.heads import Heads, find_heads, gather_heads
from nimblepose.data.coco import is_completely_labelled, read_json
from nimblepose.data.sets import locate_set
from nimblepose.drawing.faces import blur_heads
from nimblepose.media.pictures import Picture, read_picture
from nimblepose.runtime.estimator import PoseEstimator

_WIDTH = 2.5  # of a face in distances between its eyes
_LEAST = 160  # pixels; sides of a part of a picture
_SIZES = ((8, 16), (16, 64), (64, np.inf), (16, np.inf))


def list_faces(people: list[dict[str, Any]]) -> NDArray[np.float64]:
    """Nose and eyes of all clear faces, (F, 3, 2) in pixels."""
    heads = [np.array(person["keypoints"], float).reshape(-1, 3)[:3] for person in people if "keypoints" in person]
    clear = [from_corner(head[:, :2]) for head in heads if (head[:, 2] == 2).all()]
    return np.array(clear).reshape(-1, 3, 2)


def find_empty_part(picture: Picture, people: list[dict[str, Any]]) -> Picture | None:
    """The largest part of a picture that lies on one side of everybody; None if all are small."""
    height, width = picture.shape[:2]
    boxes = np.array([person["bbox"] for person in people])
    left, top = np.ceil(boxes[:, :2].min(axis=0)).astype(int)
    right, bottom = np.floor((boxes[:, :2] + boxes[:, 2:]).max(axis=0)).astype(int) + 1
    parts = picture[:, : max(0, left)], picture[:, right:], picture[: max(0, top)], picture[bottom:]
    wide = [part for part in parts if min(part.shape[:2]) >= _LEAST]
    largest = max(wide, key=lambda part: part.shape[0] * part.shape[1], default=None)
    return largest if largest is None or width * height == 0 else np.ascontiguousarray(largest)


def paint(shape: tuple[int, ...], heads: Heads) -> NDArray[np.bool_]:
    """Which pixels are blurred, by blurring: of noise none stays as it was but by chance."""
    noise = np.random.default_rng(0).integers(0, 256, (*shape[:2], 3), np.uint8)
    blurred = noise.copy()
    blur_heads(blurred, heads)
    return np.asarray((blurred != noise).any(axis=2))


def iterate(data: Path, limit: int) -> Iterator[tuple[Picture, list[dict[str, Any]]]]:
    """Pictures that are labelled completely, and their people."""
    annotations, images = locate_set(data)
    coco = read_json(annotations)
    chosen = [image for image in coco["images"] if is_completely_labelled(image)]
    for image in chosen[:: max(1, len(chosen) // limit)] if limit else chosen:
        people = [person for person in coco["annotations"] if person["image_id"] == image["id"]]
        if people:
            yield read_picture(images / image["file_name"]), people


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default=None)
    parser.add_argument("--height", type=int, default=256)
    parser.add_argument("--min-score", type=float, default=None)
    parser.add_argument("--limit", type=int, default=0)
    given = parser.parse_args()
    options = DecodeOptions(min_pose_score=given.min_score, find_heads=True)
    estimator = PoseEstimator(given.model, input_height=given.height, decode=options)
    sizes: list[float] = []
    left: dict[str, list[bool]] = {"results": [], "--blur-faces": []}
    shares: dict[str, list[float]] = {"results": [], "--blur-faces": []}
    empty_shares: dict[str, list[float]] = {"results": [], "--blur-faces": []}
    for picture, people in iterate(given.data, given.limit):
        faces = list_faces(people)
        poses = estimator(picture)
        sizes += (_WIDTH * np.linalg.norm(faces[:, 1] - faces[:, 2], axis=1)).tolist()
        at = np.rint(faces).astype(int)
        at = np.clip(at, 0, np.array(picture.shape[1::-1]) - 1)
        part = find_empty_part(picture, people)
        nobody = None if part is None else estimator(part)
        for name, heads_of in (("results", find_heads), ("--blur-faces", gather_heads)):
            blurred = paint(picture.shape, heads_of(poses))
            left[name] += (~blurred[at[..., 1], at[..., 0]].all(axis=1)).tolist()
            shares[name].append(float(blurred.mean()))
            if part is not None and nobody is not None:
                empty_shares[name].append(float(paint(part.shape, heads_of(nobody)).mean()))
    print(f"{len(shares['results'])} pictures with people, {len(empty_shares['results'])} parts without; {given}")
    print(
        "| faces left, by width in pixels |", " | ".join(f"{low} to {high}" for low, high in _SIZES), "| area | empty |"
    )
    for name in left:
        cells = []
        for low, high in _SIZES:
            of_size = [missed for missed, size in zip(left[name], sizes, strict=True) if low <= size < high]
            cells.append(f"{sum(of_size)} of {len(of_size)} ({sum(of_size) / max(1, len(of_size)):.1%})")
        print(f"| {name} |", " | ".join(cells), f"| {np.mean(shares[name]):.1%} | {np.mean(empty_shares[name]):.2%} |")


if __name__ == "__main__":
    main()
