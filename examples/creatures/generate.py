"""Draw creatures on cluttered backgrounds, several per picture, overlapping, with COCO annotations.

    python examples/creatures/generate.py creatures --train 1500 --val 100

A creature is seen from above: a body from head to tail, two blue horns, two red paws. Left and right look the same and
follow from where the head is, so that a mirrored creature is a creature. The chest is not annotated: the skeleton
derives it.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from nimblepose import Skeleton

HERE = Path(__file__).resolve().parent
SHAPE = {  # where each keypoint lies on an upright creature of length 1, y downwards, its own left on our right
    "head": (0.0, -0.32),
    "left_horn": (0.16, -0.52),
    "right_horn": (-0.16, -0.52),
    "left_paw": (0.36, -0.02),
    "right_paw": (-0.36, -0.02),
    "tail": (0.0, 0.48),
}
HORN, PAW = [60, 90, 230], [230, 70, 60]  # RGB
FINE = 2  # pictures are drawn so many times larger, then reduced: smooth edges

Points = NDArray[np.float64]
Picture = NDArray[np.uint8]


def background(size: tuple[int, int], rng: np.random.Generator) -> Picture:
    """Smooth noise with lines, circles and boxes in all colours, those of the creatures too; (h, w, 3) RGB."""
    height, width = size
    coarse = rng.integers(60, 200, (height // 32 + 1, width // 32 + 1, 3)).astype(np.uint8)
    image = np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC))
    for _ in range(rng.integers(8, 25)):
        colour = [int(c) for c in rng.integers(0, 256, 3)]
        a, b = (tuple(int(v) for v in rng.integers(0, [width, height])) for _ in range(2))
        kind, thick = rng.integers(3), int(rng.integers(1, 8))
        if kind == 0:
            cv2.line(image, a, b, colour, thick, cv2.LINE_AA)
        elif kind == 1:
            cv2.circle(image, a, int(rng.integers(3, 30)), colour, thick if thick < 5 else -1, cv2.LINE_AA)
        else:
            cv2.rectangle(image, a, (a[0] + int(rng.integers(4, 60)), a[1] + int(rng.integers(4, 60))), colour, thick)
    return np.asarray(np.clip(image + rng.normal(0, 6, image.shape), 0, 255), np.uint8)


def place(
    size: tuple[int, int], lengths: tuple[float, float], rng: np.random.Generator
) -> tuple[dict[str, Points], float]:
    """A creature somewhere, of any size and direction, its joints bent at random: points by name, and its length."""
    height, width = size
    length = rng.uniform(*lengths) * height
    angle = rng.uniform(-0.9, 0.9)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = rng.uniform([0.15 * width, 0.15 * height], [0.85 * width, 0.85 * height])
    bent = {name: np.array(xy) + rng.normal(0, 0.035, 2) for name, xy in SHAPE.items()}
    return {name: turn @ xy * length + middle for name, xy in bent.items()}, float(length)


def draw(image: Picture, points: dict[str, Points], length: float, rng: np.random.Generator) -> None:
    """Paint one creature over what is there."""
    chest = (points["left_paw"] + points["right_paw"]) / 2
    body = [int(c) for c in rng.integers([90, 110, 40], [220, 200, 120])]
    dark = [c // 2 for c in body]

    def at(point: Points) -> tuple[int, int]:
        x, y = np.round((point + 0.5) * FINE - 0.5).astype(int)
        return int(x), int(y)

    def line(a: Points, b: Points, colour: list[int], share: float) -> None:
        cv2.line(image, at(a), at(b), colour, max(1, round(length * share * FINE)), cv2.LINE_AA)

    def disc(centre: Points, colour: list[int], share: float) -> None:
        cv2.circle(image, at(centre), max(1, round(length * share * FINE)), colour, -1, cv2.LINE_AA)

    line(chest, points["tail"], body, 0.12)
    disc(points["tail"], dark, 0.05)
    for side in ("left", "right"):
        line(chest, points[f"{side}_paw"], body, 0.08)
        disc(points[f"{side}_paw"], PAW, 0.06)
        line(points["head"], points[f"{side}_horn"], dark, 0.05)
        disc(points[f"{side}_horn"], HORN, 0.04)
    line(points["head"], chest, body, 0.18)
    disc(points["head"], body, 0.12)
    disc(points["head"], dark, 0.05)


def picture(
    size: tuple[int, int], lengths: tuple[float, float], rng: np.random.Generator
) -> tuple[Picture, list[tuple[dict[str, Points], float]]]:
    """One picture and its creatures: 1 to 4, the later ones over the earlier, not too near to each other."""
    image = np.asarray(cv2.resize(background(size, rng), (size[1] * FINE, size[0] * FINE)))
    creatures: list[tuple[dict[str, Points], float]] = []
    middles: list[Points] = []
    wanted = int(rng.integers(1, 5))
    for _ in range(5 * wanted):
        if len(creatures) == wanted:
            break
        points, length = place(size, lengths, rng)
        xy = np.array(list(points.values()))
        middle = xy.mean(axis=0)
        inside = xy.min() >= 2 and (xy <= np.array(size[::-1]) - 3).all()
        if inside and all(np.linalg.norm(middle - other) > 0.5 * length for other in middles):
            draw(image, points, length, rng)
            creatures.append((points, length))
            middles.append(middle)
    return np.asarray(cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA)), creatures


def annotate(creatures: list[tuple[dict[str, Points], float]], names: tuple[str, ...]) -> list[dict[str, Any]]:
    """COCO annotations (its pixels count from the corner of the first one: + 0.5)."""
    found = []
    for points, length in creatures:
        xy = np.array([points[name] for name in names]) + 0.5
        low, high = xy.min(axis=0), xy.max(axis=0)
        rows = np.column_stack([xy, np.full(len(xy), 2)])
        found.append({
            "category_id": 1,
            "iscrowd": 0,
            "keypoints": [round(float(v), 2) for v in rows.ravel()],
            "num_keypoints": len(xy),
            "bbox": [round(float(v), 2) for v in (*low, *(high - low))],
            "area": round(0.3 * length**2, 2),
        })  # fmt: skip
    return found


def generate(
    folder: Path,
    count: int,
    *,
    size: tuple[int, int] = (160, 192),
    lengths: tuple[float, float] = (0.35, 0.65),
    seed: int = 0,
) -> Path:
    """Write pictures and `annotations.json` into a folder; the same seed draws the same pictures.

    Args:
        folder: Is made.
        count: How many pictures.
        size: (height, width) in pixels.
        lengths: Shortest and longest creature, in heights of the picture.
        seed: Of everything random.
    """
    skeleton = Skeleton.load(HERE / "creature.yaml")
    index = {name: i + 1 for i, name in enumerate(skeleton.annotated)}
    edges = [[index[a], index[b]] for a, b in skeleton.limbs if a in index and b in index]
    coco: dict[str, Any] = {
        "images": [],
        "annotations": [],
        "categories": [{"id": 1, "name": "creature", "keypoints": list(skeleton.annotated), "skeleton": edges}],
    }
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for number in range(1, count + 1):
        image, creatures = picture(size, lengths, np.random.default_rng([seed, number]))
        name = f"{number:05d}.jpg"
        cv2.imwrite(str(folder / "images" / name), image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
        coco["images"].append({"id": number, "file_name": name, "height": size[0], "width": size[1]})
        for person in annotate(creatures, skeleton.annotated):
            coco["annotations"].append(person | {"id": len(coco["annotations"]) + 1, "image_id": number})
    path = folder / "annotations.json"
    path.write_text(json.dumps(coco), "utf-8")
    return path


def main() -> None:
    """Two sets that share no picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--train", type=int, default=1500)
    parser.add_argument("--val", type=int, default=100)
    args = parser.parse_args()
    for name, count, seed in (("train", args.train, 1), ("val", args.val, 2)):
        print(generate(args.folder / name, count, seed=seed))


if __name__ == "__main__":
    main()
