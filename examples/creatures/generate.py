"""Draw creatures on cluttered backgrounds, several per picture, overlapping, with COCO annotations.

    python examples/creatures/generate.py creatures --train 400 --val 100

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


def place(size: tuple[int, int], rng: np.random.Generator) -> tuple[dict[str, Points], float]:
    """A creature somewhere, of any size and direction, its joints bent at random: points by name, and its length."""
    height, width = size
    length = rng.uniform(0.3, 0.6) * height
    angle = rng.uniform(-0.9, 0.9)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = rng.uniform([0.15 * width, 0.15 * height], [0.85 * width, 0.85 * height])
    bent = {name: np.array(xy) + rng.normal(0, 0.035, 2) for name, xy in SHAPE.items()}
    return {name: turn @ xy * length + middle for name, xy in bent.items()}, float(length)


def draw(image: Picture, points: dict[str, Points], length: float, rng: np.random.Generator) -> None:
    """Paint one creature over what is there."""
    chest = np.mean([points[n] for n in ("left_paw", "right_paw", "tail", "head")], axis=0)
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


def picture(size: tuple[int, int], rng: np.random.Generator) -> tuple[Picture, list[tuple[dict[str, Points], float]]]:
    """One picture and its creatures: 1 to 4, the later ones over the earlier, none hidden by more than half."""
    image = np.asarray(cv2.resize(background(size, rng), (size[1] * FINE, size[0] * FINE)))
    creatures: list[tuple[dict[str, Points], float]] = []
    middles: list[Points] = []
    for _ in range(int(rng.integers(1, 5))):
        points, length = place(size, rng)
        middle = np.mean(list(points.values()), axis=0)
        if all(np.linalg.norm(middle - other) > 0.5 * length for other in middles):
            draw(image, points, length, rng)
            creatures.append((points, length))
            middles.append(middle)
    return np.asarray(cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA)), creatures


def annotate(
    creatures: list[tuple[dict[str, Points], float]], size: tuple[int, int], names: tuple[str, ...]
) -> list[dict[str, Any]]:
    """COCO annotations (its pixels count from the corner: + 0.5); points outside of the picture are not labelled."""
    found = []
    for points, length in creatures:
        xy = np.array([points[name] for name in names]) + 0.5
        seen = ((xy >= 0) & (xy < size[::-1])).all(axis=1)
        if seen.sum() < 3:
            continue
        low, high = np.clip([xy.min(axis=0), xy.max(axis=0)], 0, size[::-1])
        rows = np.where(seen[:, None], np.column_stack([xy, np.full(len(xy), 2)]), 0)
        found.append({
            "category_id": 1,
            "iscrowd": 0,
            "keypoints": [round(float(v), 2) for v in rows.ravel()],
            "num_keypoints": int(seen.sum()),
            "bbox": [round(float(v), 2) for v in (*low, *(high - low))],
            "area": round(0.3 * length**2, 2),
        })  # fmt: skip
    return found


def generate(folder: Path, count: int, *, size: tuple[int, int] = (160, 192), seed: int = 0) -> Path:
    """Write `count` pictures and `annotations.json` into a folder; the same seed draws the same pictures."""
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
        image, creatures = picture(size, np.random.default_rng([seed, number]))
        name = f"{number:05d}.jpg"
        cv2.imwrite(str(folder / "images" / name), image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
        coco["images"].append({"id": number, "file_name": name, "height": size[0], "width": size[1]})
        for person in annotate(creatures, size, skeleton.annotated):
            coco["annotations"].append(person | {"id": len(coco["annotations"]) + 1, "image_id": number})
    path = folder / "annotations.json"
    path.write_text(json.dumps(coco), "utf-8")
    return path


def main() -> None:
    """Two sets that share no picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--train", type=int, default=400)
    parser.add_argument("--val", type=int, default=100)
    args = parser.parse_args()
    for name, count, seed in (("train", args.train, 1), ("val", args.val, 2)):
        print(generate(args.folder / name, count, seed=seed))


if __name__ == "__main__":
    main()
