"""Who is found in pictures of other shapes: tall, wide, turned, and in strips of people.

    python benchmarks/shapes_study.py DATA/ [--people DATA/] [--looks 256 balanced ...] [--rows NAME ...] [--limit N]

DATA is a folder in COCO layout. AP, thresholds for AP, of its pictures as they are; within a frame of 9:16 and of 8:1,
gray or filled with the same picture, enlarged and blurred, as phones do; of as many of them side by side as fit into
8:1; and turned by quarters. `--looks` are ways of looking (`ways_of_looking.py`).

Strips are made of people of `--people`, which should be others: eight who stand upright, cut out with all their
keypoints and some room, in one height; or one of them eight times. Printed is how many of eight are found in the mean
of 12 strips (a pose of an OKS of 0.5 or more, the thresholds of `predict`) and in how many strips all are.
"""

import argparse
import dataclasses
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from crop_study import choose_people, list_crops
from numpy.typing import NDArray
from ways_of_looking import open_estimator

from nimblepose import Poses
from nimblepose.codec.options import FOR_RANKING, DecodeOptions
from nimblepose.core.geometry import rescale
from nimblepose.core.oks import compute_oks
from nimblepose.core.skeleton import HUMAN_18, Skeleton
from nimblepose.data.coco import Record, load_records
from nimblepose.data.sets import AnnotatedSet, locate_set, read_annotated
from nimblepose.evaluation.coco import MAX_PEOPLE, evaluate, select_oks_sigmas
from nimblepose.evaluation.detect import detect
from nimblepose.media.pictures import Picture, read_picture
from nimblepose.runtime.estimator import PoseEstimator

GRAY = 128
HEIGHT = 480  # of the pictures in a panorama, pixels
WIDE, TALL = 8.0, 9 / 16  # width over height
STRIPS, EIGHT = 12, 8
TILE = 320  # height of a person's cutout in a strip, pixels
FOUND = 0.5  # OKS from which on a person is found


class Shown(NamedTuple):
    """A picture as it is shown, and how to come back."""

    picture: Picture
    back: NDArray[np.float64]  # (2, 3), from its pixels to those of the picture as it was


def keep(picture: Picture) -> Shown:
    """As it is."""
    return Shown(picture, np.eye(2, 3))


def framed(aspect: float, *, blurred: bool) -> Callable[[Picture], Shown]:
    """In the middle of the smallest frame of that width over height."""

    def show(picture: Picture) -> Shown:
        height, width = picture.shape[:2]
        size = max(height, round(width / aspect)), max(width, round(height * aspect))
        frame = fill(picture, size) if blurred else np.full((*size, 3), GRAY, np.uint8)
        top, left = (size[0] - height) // 2, (size[1] - width) // 2
        frame[top : top + height, left : left + width] = picture
        return Shown(frame, np.array([[1.0, 0, -left], [0, 1, -top]]))

    return show


def fill(picture: Picture, size: tuple[int, int]) -> Picture:
    """The middle of a picture, as large as (height, width), blurred so that nobody in it can be made out."""
    factor = max(size[0] / picture.shape[0], size[1] / picture.shape[1])
    high, wide = max(1, round(size[0] / factor)), max(1, round(size[1] / factor))
    top, left = (picture.shape[0] - high) // 2, (picture.shape[1] - wide) // 2
    small = cv2.resize(picture[top : top + high, left : left + wide], (16, 16), interpolation=cv2.INTER_AREA)
    large = cv2.resize(cv2.GaussianBlur(small, (0, 0), 1.5), size[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(large, np.uint8)


def turned(quarters: int) -> Callable[[Picture], Shown]:
    """Turned to the left by so many quarters."""

    def show(picture: Picture) -> Shown:
        height, width = picture.shape[:2]
        back = ([[1.0, 0, 0], [0, 1, 0]], [[0.0, -1, width - 1], [1, 0, 0]],
                [[-1.0, 0, width - 1], [0, -1, height - 1]], [[0.0, 1, 0], [-1, 0, height - 1]])[quarters]  # fmt: skip
        return Shown(np.ascontiguousarray(np.rot90(picture, quarters)), np.array(back))

    return show


class Showing:
    """An estimator that is shown pictures in another shape; poses are in the pixels that they had."""

    def __init__(self, estimator: PoseEstimator, show: Callable[[Picture], Shown]) -> None:
        self.model, self.skeleton = estimator.model, estimator.skeleton
        self._estimator, self._show = estimator, show

    def estimate(self, picture: Picture, *, pixel_aspect: float = 1.0) -> Poses:
        """Poses in one picture."""
        return next(iter(self.stream([picture])))

    def stream(self, pictures: Iterable[Picture], *, pixel_aspect: float = 1.0) -> Iterator[Poses]:
        """Poses in pixels of the pictures as they were given."""
        under_way: deque[NDArray[np.float64]] = deque()

        def show() -> Iterator[Picture]:
            for picture in pictures:
                shown = self._show(picture)
                under_way.append(shown.back)
                yield shown.picture

        for poses in self._estimator.stream(show(), pixel_aspect=pixel_aspect):
            back = under_way.popleft()
            keypoints = (poses.keypoints @ back[:, :2].T + back[:, 2]).astype(np.float32)
            yield dataclasses.replace(poses, keypoints=keypoints)


SHAPES: dict[str, Callable[[Picture], Shown]] = {
    "as they are": keep,
    "within 9:16, gray": framed(TALL, blurred=False),
    "within 9:16, blurred": framed(TALL, blurred=True),
    "within 8:1, gray": framed(WIDE, blurred=False),
    "within 8:1, blurred": framed(WIDE, blurred=True),
    "turned by 90": turned(1),
    "turned by 180": turned(2),
    "turned by 270": turned(3),
}
PANORAMA = "side by side, 8:1"

# Pictures side by side -----------------------------------------------------------------------------------------------


class Panorama(NamedTuple):
    """Pictures of one height side by side; gray is what they leave of 8:1."""

    records: tuple[Record, ...]
    factors: tuple[float, ...]  # by which each is resized
    lefts: tuple[int, ...]  # where each begins


def list_panoramas(records: Sequence[Record]) -> list[Panorama]:
    """All pictures in their order, as many in one panorama as there is room for."""
    panoramas: list[Panorama] = []
    chosen: list[tuple[Record, float, int]] = []
    end = 0
    for record in records:
        factor = HEIGHT / record.size[0]
        width = round(record.size[1] * factor)
        if chosen and end + width > WIDE * HEIGHT:
            panoramas.append(Panorama(*zip(*chosen, strict=True)))
            chosen, end = [], 0
        chosen.append((record, factor, end))
        end += width
    return [*panoramas, Panorama(*zip(*chosen, strict=True))]


def draw_panorama(panorama: Panorama) -> Picture:
    """Its pixels, (HEIGHT, WIDE * HEIGHT, 3)."""
    picture = np.full((HEIGHT, round(WIDE * HEIGHT), 3), GRAY, np.uint8)
    for record, factor, left in zip(*panorama, strict=True):
        size = (round(record.size[1] * factor), HEIGHT)
        part = cv2.resize(
            read_annotated(record).picture, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
        )
        picture[:, left : left + size[0]] = part[:, : picture.shape[1] - left]
    return picture


def detect_in_panoramas(data: AnnotatedSet, estimator: PoseEstimator) -> list[dict[str, Any]]:
    """COCO results of the pictures of a set; each pose is of the picture in which the middle of its keypoints lies."""
    panoramas, results = list_panoramas(data.records), []
    found = estimator.stream(draw_panorama(panorama) for panorama in panoramas)
    for panorama, poses in zip(panoramas, found, strict=True):
        middles = np.nanmean(poses.keypoints[..., 0], axis=1)
        owners = np.searchsorted(panorama.lefts, middles, side="right") - 1
        for number, (record, factor, left) in enumerate(zip(*panorama, strict=True)):
            theirs = poses[owners.clip(0) == number]
            keypoints = rescale(theirs.keypoints - np.array([left, 0], np.float32), 1 / factor).astype(np.float32)
            theirs = dataclasses.replace(theirs, keypoints=keypoints)
            results += theirs.to_coco(record.image_id, category_id=data.category_ids[0], max_people=MAX_PEOPLE)
    return results


# Strips of people ----------------------------------------------------------------------------------------------------


class Tile(NamedTuple):
    """A person cut out, TILE pixels high."""

    picture: Picture
    xy: NDArray[np.float32]  # (K, 2)
    area: float


class Strip(NamedTuple):
    """Eight people in one picture."""

    picture: Picture
    xy: NDArray[np.float32]  # (8, K, 2)
    areas: NDArray[np.float64]


def cut_people(data: Path, skeleton: Skeleton, count: int) -> list[Tile]:
    """People of a set who are whole in their picture and stand alone, spread over it."""
    annotations, images = locate_set(data)
    tiles = []
    for record, person in choose_people(load_records([annotations], [images], skeleton), 0):
        for crop in list_crops(record, person):
            x0, y0, x1, y1 = crop.box
            if crop.kind == "whole" and not np.isnan(crop.xy).any() and (x1 - x0) < (y1 - y0):
                part, factor = read_picture(record.path)[y0:y1, x0:x1], TILE / (y1 - y0)
                size = (max(1, round((x1 - x0) * factor)), TILE)
                picture = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
                xy = rescale(crop.xy[0], factor).astype(np.float32)
                tiles.append(Tile(picture, xy, float(record.areas[person]) * factor**2))
    return [tiles[i * len(tiles) // count] for i in range(min(count, len(tiles)))]


def join(tiles: Sequence[Tile], *, upright: bool) -> Strip:
    """People on top of each other or side by side, with gray beside those who are narrower than others."""
    widest = max(tile.picture.shape[1] for tile in tiles)
    pictures, xy = [], []
    x = y = 0
    for tile in tiles:
        width = tile.picture.shape[1]
        before = (widest - width) // 2 if upright else 0
        around = ((0, 0), (before, widest - width - before), (0, 0)) if upright else ((0, 0),) * 3
        pictures.append(np.pad(tile.picture, around, constant_values=GRAY))
        xy.append(tile.xy + np.array([x + before, y], np.float32))
        x, y = (x, y + TILE) if upright else (x + width, y)
    joined = np.concatenate(pictures, axis=0 if upright else 1)
    return Strip(joined, np.array(xy, np.float32), np.array([tile.area for tile in tiles]))


def list_strips(tiles: Sequence[Tile]) -> dict[str, list[Strip]]:
    """As many strips of every kind as are to be."""
    several = [tiles[i * EIGHT : (i + 1) * EIGHT] for i in range(STRIPS)]
    alone = [[tile] * EIGHT for tile in tiles[::EIGHT]]
    return {
        f"{who}, {where}": [join(people, upright=upright) for people in groups]
        for who, groups in (("eight people", several), ("one person eight times", alone))
        for where, upright in (("on top of each other", True), ("side by side", False))
    }


def count_found(strip: Strip, poses: Poses) -> int:
    """How many of the eight resemble a pose."""
    annotated = poses.skeleton.annotated_indices
    alike = compute_oks(
        poses.keypoints[:, annotated],
        strip.xy[:, annotated],
        oks_sigmas=select_oks_sigmas(poses.skeleton),
        area=strip.areas,
    )
    return int((alike.max(axis=0, initial=0) >= FOUND).sum())


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--people", type=Path, help="a set whose people make strips; without it there are none")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--looks", nargs="+", default=["256", "368"])
    parser.add_argument("--rows", nargs="*", default=[*SHAPES, PANORAMA], choices=[*SHAPES, PANORAMA], metavar="NAME")
    parser.add_argument("--limit", type=int, default=0)
    args = parser.parse_args()
    data = AnnotatedSet.read(*locate_set(args.data), HUMAN_18, limit=args.limit)
    estimators = [open_estimator(args.model, way, decode=FOR_RANKING) for way in args.looks]
    head = f"| {' | '.join(args.looks)} |\n|---" + "|---" * len(args.looks) + "|"
    print(f"{args.data.name}, {len(data.records)} pictures, AP\n\n| pictures {head}", flush=True)
    for name in args.rows:
        figures = [
            evaluate(
                data,
                detect_in_panoramas(data, estimator)
                if name == PANORAMA
                else detect(data, Showing(estimator, SHAPES[name])),
            ).ap
            for estimator in estimators
        ]
        print(f"| {name} | {' | '.join(f'{ap:.3f}' for ap in figures)} |", flush=True)
    if args.people:
        strips = list_strips(cut_people(args.people, HUMAN_18, STRIPS * EIGHT))
        print(f"\n{args.people.name}, found of eight (strips of {STRIPS} in which all are)\n\n| strips {head}")
        estimators = [open_estimator(args.model, way, decode=DecodeOptions()) for way in args.looks]
        for name, chosen in strips.items():
            counts = np.array([
                [count_found(s, p) for s, p in zip(chosen, e.stream(s.picture for s in chosen), strict=True)]
                for e in estimators
            ])  # fmt: skip
            cells = [f"{row.mean():.2f} ({(row == EIGHT).sum()})" for row in counts]
            print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
