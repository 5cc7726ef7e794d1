"""Sequences with known identities: real people, cut from annotated pictures, walk over real backgrounds.

People sway, bob, change their speed a little and walk from lighter into darker places. They pass in front of each
other, are hidden behind a wall for a given number of frames, enter and leave. Everything follows from a seed.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from nimblepose.media.frames import Frame, StreamInfo
from nimblepose.media.pictures import read_picture

SIZE = (256, 456)  # height and width of frames
FRAMES = 120
RATE = 25.0  # frames per second
NOISE = 3.0  # standard deviation of the sensor, in gray levels
LIGHT = 0.4  # logarithm of how much lighter people get to either side at most
TINT = 0.1  # the same of single colours

Floats = NDArray[np.float64]
Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Cutout:
    """A person without surroundings."""

    image: NDArray[np.float32]  # (h, w, 3)
    alpha: NDArray[np.float32]  # (h, w) in [0, 1]
    xy: Floats  # (17, 2) COCO keypoints in pixels of the image, NaN where not labelled
    area: float  # square pixels


@dataclass(frozen=True)
class Actor:
    """A person on the way through a scene."""

    identity: int
    cutout: Cutout
    place: Floats  # (FRAMES, 2) of the feet, in pixels of the frame
    sway: Floats  # (FRAMES,) shear: how far the head leads, per height
    in_front: bool  # of the wall


@dataclass(frozen=True)
class Scene:
    """Everything that a sequence is made from."""

    hidden: int  # frames for which the people behind the wall are wholly out of sight, about; 0: there is no wall
    background: NDArray[np.float32]
    actors: tuple[Actor, ...]  # from far to near; the wall stands before the first who is in front of it
    wall: tuple[int, int, NDArray[np.float32]] | None  # left, right, picture
    light: Floats  # (3,) logarithms of the factors on the colours of people at the right edge; the left has the inverse
    seed: int


@dataclass(frozen=True)
class Truth:
    """Who is where in one frame."""

    ids: NDArray[np.int64]  # (G,)
    xy: Floats  # (G, 17, 2)
    shown: NDArray[np.bool_]  # (G, 17) whether a keypoint is in the frame and not covered by anybody else or the wall
    visible: Floats  # (G,) share of the body that is in the frame and not covered
    area: Floats  # (G,) square pixels


# Material -------------------------------------------------------------------------------------------------------------


def find_people(annotations: dict[str, Any], images: Path) -> list[Cutout]:
    """People who stand or walk, whole in their picture, with most keypoints and an outline drawn by hand."""
    files = {image["id"]: image for image in annotations["images"]}
    found = []
    for a in annotations["annotations"]:
        x, y, w, h = a["bbox"]
        file = files[a["image_id"]]
        inside = x > 2 and y > 2 and x + w < file["width"] - 2 and y + h < file["height"] - 2
        if inside and h >= 150 and a["num_keypoints"] >= 13 and a.get("segmentation") and _stands(a):
            found.append(_cut(read_picture(images / file["file_name"]), a))
    return found


def _stands(annotation: dict[str, Any]) -> bool:
    """Whether shoulders, hips, knees and ankles lie below each other, a sixth of the height apart at least."""
    keypoints = np.array(annotation["keypoints"], np.float64).reshape(17, 3)
    y = np.where(keypoints[:, 2] > 0, keypoints[:, 1], np.nan)
    levels = [y[[left, left + 1]] for left in (5, 11, 13, 15)]
    if any(np.isnan(level).all() for level in levels):
        return False
    return bool((np.diff([np.nanmean(level) for level in levels]) > annotation["bbox"][3] / 6).all())


def _cut(picture: Picture, annotation: dict[str, Any]) -> Cutout:
    x, y, w, h = annotation["bbox"]
    left, top, right, bottom = int(x) - 2, int(y) - 2, int(x + w) + 3, int(y + h) + 3
    mask = np.zeros(picture.shape[:2], np.uint8)
    outlines = [np.rint(np.array(part).reshape(-1, 2)).astype(np.int32) for part in annotation["segmentation"]]
    cv2.fillPoly(mask, outlines, 255)
    alpha = cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), 1.0)
    keypoints = np.array(annotation["keypoints"], np.float64).reshape(17, 3)
    xy = np.where(keypoints[:, 2:] > 0, keypoints[:, :2] - 0.5 - (max(left, 0), max(top, 0)), np.nan)
    part = np.s_[max(top, 0) : bottom, max(left, 0) : right]
    return Cutout(picture[part].astype(np.float32), alpha[part], xy, float(annotation["area"]))


def find_backgrounds(annotations: dict[str, Any], images: Path) -> list[NDArray[np.float32]]:
    """Parts of completely annotated pictures beside everybody in them, in the size of a frame."""
    boxes: dict[int, list[list[float]]] = {}
    for a in annotations["annotations"]:
        boxes.setdefault(a["image_id"], []).append(a["bbox"])
    found = []
    for image in annotations["images"]:
        box = np.array(boxes.get(image["id"], np.zeros((0, 4))))
        left, right = box[:, 0].min(initial=image["width"]), (box[:, 0] + box[:, 2]).max(initial=0)
        free = (0, int(left) - 8) if left > image["width"] - right else (int(right) + 8, image["width"])
        if image.get("labels") == "complete" and free[1] - free[0] >= 300:
            found.append(_filling(read_picture(images / image["file_name"])[:, free[0] : free[1]], SIZE))
    return found


def _filling(picture: Picture, size: tuple[int, int]) -> NDArray[np.float32]:
    """The middle of a picture, as much as fills `size`."""
    factor = max(size[0] / picture.shape[0], size[1] / picture.shape[1])
    height, width = round(size[0] / factor), round(size[1] / factor)
    top, left = (picture.shape[0] - height) // 2, (picture.shape[1] - width) // 2
    part = picture[top : top + height, left : left + width]
    return np.asarray(cv2.resize(part, size[::-1], interpolation=cv2.INTER_AREA), np.float32)


# Scenes ---------------------------------------------------------------------------------------------------------------


def make_scene(people: Sequence[Cutout], backgrounds: Sequence[NDArray[np.float32]], hidden: int, seed: int) -> Scene:
    """Two people pass each other (behind a wall if they are to be hidden), two more cross before them."""
    rng = np.random.default_rng((seed, hidden))
    chosen = rng.choice(len(people), 4, replace=False)
    height = rng.uniform(120, 150)
    walk = rng.uniform(0.65, 0.85)  # body heights per second: 1.1 to 1.4 m/s
    centre = SIZE[1] / 2 + rng.uniform(-25, 25)
    meeting = FRAMES / 2 + rng.uniform(-8, 8)
    actors, widest = [], 0.0
    for number, direction in enumerate((1, -1)):
        cutout = _of_height(people[chosen[number]], height * rng.uniform(0.95, 1.05), mirrored=rng.random() < 0.5)
        widest = max(widest, cutout.image.shape[1])
        steps = direction * walk * height / RATE * _unsteady(rng)
        place = centre + _summed(steps, meeting)
        actors.append(_actor(number + 1, cutout, place, 0.78 * SIZE[0] + rng.uniform(-4, 4), rng, in_front=False))
    half = (widest + hidden * walk * height / RATE) / 2
    texture = backgrounds[rng.integers(len(backgrounds))]
    wall = (round(centre - half), round(centre + half), texture) if hidden else None
    for number, direction in ((2, 1), (3, -1)):
        cutout = _of_height(people[chosen[number]], height * rng.uniform(1.1, 1.3), mirrored=rng.random() < 0.5)
        steps = direction * rng.uniform(0.4, 0.8) * cutout.image.shape[0] / RATE * _unsteady(rng)
        place = SIZE[1] * rng.uniform(0.2, 0.8) + _summed(steps, FRAMES * rng.uniform(0.25, 0.75))
        actors.append(_actor(number + 1, cutout, place, 0.93 * SIZE[0] + 8 * number - 20, rng, in_front=True))
    background = backgrounds[rng.integers(len(backgrounds))]
    light = rng.uniform(-LIGHT, LIGHT) + rng.uniform(-TINT, TINT, 3)
    return Scene(hidden, background, tuple(actors), wall, light, seed)


def _of_height(cutout: Cutout, height: float, *, mirrored: bool) -> Cutout:
    factor = height / cutout.image.shape[0]
    size = (round(cutout.image.shape[1] * factor), round(height))
    image, alpha = (cv2.resize(layer, size, interpolation=cv2.INTER_AREA) for layer in (cutout.image, cutout.alpha))
    xy = (cutout.xy + 0.5) * factor - 0.5
    if mirrored:
        image, alpha = image[:, ::-1], alpha[:, ::-1]
        sides = [0, *(k + 1 if k % 2 else k - 1 for k in range(1, 17))]  # COCO lists left before right
        xy = xy[sides] * (-1, 1) + (size[0] - 1, 0)
    return Cutout(np.ascontiguousarray(image), np.ascontiguousarray(alpha), xy, cutout.area * factor**2)


def _unsteady(rng: np.random.Generator) -> Floats:
    """A speed that wanders around 1, (FRAMES,)."""
    t = np.arange(FRAMES) / FRAMES
    waves = [rng.uniform(0, 0.12) * np.sin(2 * np.pi * (f * t + rng.random())) for f in (0.7, 1.3, 2.1)]
    return np.asarray(1 + sum(waves))


def _summed(steps: Floats, zero: float) -> Floats:
    """Places that steps lead to, 0 in frame `zero`."""
    places = np.cumsum(steps)
    return np.asarray(places - np.interp(zero, np.arange(FRAMES), places))


def _actor(
    identity: int, cutout: Cutout, x: Floats, ground: float, rng: np.random.Generator, *, in_front: bool
) -> Actor:
    seconds, height = np.arange(FRAMES) / RATE, cutout.image.shape[0]
    step = 2 * np.pi * (rng.uniform(0.8, 1.0) * seconds + rng.random())
    y = ground - 0.02 * height * np.abs(np.sin(step))
    return Actor(identity, cutout, np.stack([x, y], axis=-1), 0.05 * np.sin(step), in_front)


# Frames ---------------------------------------------------------------------------------------------------------------


def render(scene: Scene) -> Iterator[tuple[Picture, Truth]]:
    """The frames of a scene, (H, W, 3) RGB, and who is in them."""
    rng = np.random.default_rng(scene.seed)
    ids = np.array([a.identity for a in scene.actors], np.int64)
    area = np.array([a.cutout.area for a in scene.actors])
    whole = np.array([a.cutout.alpha.sum() for a in scene.actors])
    for f in range(FRAMES):
        frame, alphas, places = scene.background.copy(), [], []
        uncovered = np.ones((len(scene.actors), *SIZE), np.float32)
        for number, actor in enumerate(scene.actors):
            if scene.wall is not None and actor.in_front and not scene.actors[number - 1].in_front:
                left, right, texture = scene.wall
                frame[:, left:right] = 0.8 * texture[:, left:right]
                uncovered[:number, :, left:right] = 0
            matrix = _matrix(actor, f)
            image, alpha = (
                cv2.warpAffine(layer, matrix, SIZE[::-1], flags=cv2.INTER_LINEAR)
                for layer in (actor.cutout.image, actor.cutout.alpha)
            )
            light = np.exp(scene.light * (2 * actor.place[f, 0] / SIZE[1] - 1)).astype(np.float32)
            frame += alpha[..., None] * (image * light - frame)
            uncovered[:number] *= 1 - alpha
            alphas.append(alpha)
            places.append(actor.cutout.xy @ matrix[:, :2].T + matrix[:, 2])
        frame += rng.normal(0, NOISE, frame.shape)
        xy = np.array(places)
        visible = (np.array(alphas) * uncovered).sum(axis=(1, 2)) / whole
        yield np.clip(frame, 0, 255).astype(np.uint8), Truth(ids, xy, _shown(xy, uncovered), visible, area)


def _shown(xy: Floats, uncovered: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which of (G, 17, 2) keypoints lie in the frame where at least half of the (G, H, W) light passes."""
    column, row = np.moveaxis(np.rint(np.nan_to_num(xy, nan=-1.0)).astype(np.intp), -1, 0)
    height, width = uncovered.shape[1:]
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    passing = uncovered[np.arange(len(xy))[:, None], row.clip(0, height - 1), column.clip(0, width - 1)]
    return np.asarray(inside & (passing >= 0.5))


def _matrix(actor: Actor, f: int) -> Floats:
    """From the cutout to the frame: feet to their place, head leading by the sway."""
    height, width = actor.cutout.image.shape[:2]
    sway = actor.sway[f]
    x, y = actor.place[f]
    return np.array([[1.0, -sway, x - width / 2 + sway * height], [0.0, 1.0, y - height]])


class Rendered:
    """Frames of a scene as a recording."""

    live, dropped = False, 0

    def __init__(self, frames: Iterable[Picture]) -> None:
        self.info, self.problems = StreamInfo("rendered", None, Fraction(RATE)), list[str]()
        self._frames = frames

    def __iter__(self) -> Iterator[Frame]:
        for number, picture in enumerate(self._frames):
            yield Frame(number, number / RATE, picture)

    def close(self) -> None:
        """Nothing is open."""
