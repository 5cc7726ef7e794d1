"""The pictures of the gallery and of other pages, made by today's program of what is free to show.

    python docs/site/pictures.py            # all that follow from examples/people.jpg and the package
    python docs/site/pictures.py --creatures MODEL.onnx PICTURES    # docs/creatures.jpg, of a network that was trained

`examples/people.jpg` holds portraits in the public domain, see `examples/README.md`.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nimblepose import (
    DecodeOptions,
    DrawOptions,
    PoseEstimator,
    Trails,
    draw_pose_map,
    draw_poses,
    read_picture,
)

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
GALLERY = DOCS / "gallery"
PEOPLE = (slice(0, 480), slice(480, 960), slice(960, 1370))  # columns of the three portraits
RATE = 12.5  # frames per second of clips

Picture = NDArray[np.uint8]


def save(picture: Picture, path: Path) -> None:
    """Write a JPEG that is small enough for a page."""
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(picture).save(path, quality=84, optimize=True)


def save_clip(frames: Sequence[Picture], path: Path) -> None:
    """Write an animated WebP, which every browser and repository viewer plays."""
    path.parent.mkdir(exist_ok=True)
    first, *rest = [Image.fromarray(frame) for frame in frames]
    first.save(path, save_all=True, append_images=rest, duration=round(1000 / RATE), loop=0, quality=60, method=6)


def shrink(picture: Picture, height: int) -> Picture:
    """The same in another height."""
    size = (round(picture.shape[1] * height / picture.shape[0]), height)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


def lay_five_sizes(picture: Picture) -> Picture:
    """The example in five sizes on gray: what looks are for."""
    canvas = np.full((675, 1050, 3), (184, 190, 198), np.uint8)
    for height, left, top in ((331, 45, 330), (118, 45, 45), (72, 465, 91), (50, 750, 45), (90, 750, 150)):
        small = shrink(picture, height)
        canvas[top : top + small.shape[0], left : left + small.shape[1]] = small[:, : 1050 - left]
    return canvas


def walk(picture: Picture, *, frames: int = 50, height: int = 180, width: int = 560) -> Iterator[Picture]:
    """The two portraits in colour pass each other, the second in front of the first; the photographer stays."""
    tiles = [shrink(picture[:, columns], height) for columns in PEOPLE]
    ways = ((0.0, 0.42), (0.72, 0.72), (0.42, 0.0))  # left edges of tiles, at the start and at the end
    room = width - max(tile.shape[1] for tile in tiles)
    for n in range(frames):
        share = (1 - np.cos(np.pi * n / (frames - 1))) / 2
        frame = np.full((height, width, 3), (184, 190, 198), np.uint8)
        for (start, end), tile in zip(ways, tiles, strict=True):
            left = round((start + (end - start) * share) * room / 0.72)
            frame[:, left : left + tile.shape[1]] = tile[:, : width - left]
        yield frame


def follow(frames: Sequence[Picture], options: DrawOptions, seconds: float = 0.0) -> list[Picture]:
    """Frames with everybody and their identities drawn, and the ways of the last seconds."""
    look = PoseEstimator(decode=DecodeOptions(find_heads=options.blur_faces)).follow()
    trails, drawn = Trails(seconds=seconds), []
    for number, frame in enumerate(frames):
        poses = look(frame, number / RATE)
        trails = trails.extend(poses, number / RATE)
        drawn.append(draw_poses(frame, poses, options, trails=trails if seconds else None))
    return drawn


def make_all() -> None:
    """Everything that needs no training."""
    picture = read_picture(ROOT / "examples/people.jpg")
    estimator = PoseEstimator()
    poses = estimator(picture)
    save(shrink(draw_poses(picture, poses, DrawOptions(colour_by="person", show_scores=True, show_boxes=True)), 360),
         GALLERY / "people-boxes.jpg")  # fmt: skip
    save(shrink(draw_pose_map(poses, picture.shape[:2]), 360), GALLERY / "pose-map.jpg")
    blurred = PoseEstimator(decode=DecodeOptions(find_heads=True))(picture)
    save(shrink(draw_poses(picture, blurred, DrawOptions(blur_faces=True)), 360), GALLERY / "blurred.jpg")
    five = lay_five_sizes(picture)
    save(draw_poses(five, estimator(five), DrawOptions(show_looks=True)), DOCS / "looks.jpg")
    save(draw_failures(picture), DOCS / "failures.jpg")
    turned = np.ascontiguousarray(picture[::-1, ::-1])
    found = PoseEstimator(any_way_up=True)(turned)
    save(shrink(draw_poses(turned, found), 360), GALLERY / "upside-down.jpg")
    frames = list(walk(picture))
    save_clip(follow(frames, DrawOptions(colour_by="person", show_ids=True), seconds=1.5), GALLERY / "walk.webp")
    save_clip(follow(frames, DrawOptions(blur_faces=True)), GALLERY / "walk-blurred.webp")


def draw_failures(picture: Picture) -> Picture:
    """What one pass does badly: upside down, small, and on top of one another."""
    estimator = PoseEstimator(input_height=368)

    def show(shown: Picture) -> Picture:
        return draw_poses(shown, estimator(shown))

    gray = np.full_like(picture, 128)
    small = shrink(picture, picture.shape[0] // 7)
    top, left = (picture.shape[0] - small.shape[0]) // 2, (picture.shape[1] - small.shape[1]) // 2
    gray[top : top + small.shape[0], left : left + small.shape[1]] = small
    stacked = picture.copy()
    front = shrink(picture, 320)[:, : picture.shape[1] // 2]
    stacked[-front.shape[0] :, 340 : 340 + front.shape[1]] = front
    rows = [shrink(show(shown), 240) for shown in (np.ascontiguousarray(picture[::-1, ::-1]), gray, stacked)]
    return np.concatenate(rows)


def draw_creatures(model: Path, pictures: Sequence[Path]) -> Picture:
    """Eight unseen pictures and what a network of creatures finds."""
    estimator = PoseEstimator(model)
    shown = [read_picture(path) for path in pictures[:8]]
    drawn = [draw_poses(picture, estimator(picture)) for picture in shown]
    return np.concatenate([np.concatenate(drawn[:4], axis=1), np.concatenate(drawn[4:], axis=1)])


def main() -> None:
    """Make what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--creatures", type=Path, nargs=2, metavar=("MODEL", "PICTURES"))
    options = parser.parse_args()
    if options.creatures:
        model, folder = options.creatures
        save(draw_creatures(model, sorted(folder.iterdir())), DOCS / "creatures.jpg")
    else:
        make_all()


if __name__ == "__main__":
    main()
