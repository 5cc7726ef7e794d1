"""Small people in large frames: how many are found and followed, with attention and by single passes, and how fast?

    python benchmarks/small_people.py MODEL.onnx coco-train/ [--seed 3] [--each 3] [--tall 60,160]

Real people, cut from annotated pictures (`moving_people.py`), walk over real backgrounds of 3840 x 2160 pixels; some
are there from the beginning, others enter. Everything follows from a seed. Prints a Markdown table: IDF1, share of
people found in a frame (under any identity), and false people per frame.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from moving_people import RATE, Cutout, Floats, Picture, Rendered, Truth, find_backgrounds, find_people
from numpy.typing import NDArray
from tracking_sequences import SIMILAR, sighting, total

from nimblepose.core.poses import Poses
from nimblepose.data.coco import read_json
from nimblepose.data.sets import locate_set
from nimblepose.evaluation.identities import IdentityScores, find_best_pairs, score_identities
from nimblepose.runtime.estimator import PoseEstimator
from nimblepose.runtime.video import DEFAULT_TRACKING, track_frames

SIZE = (2160, 3840)  # height and width
FRAMES = 120
PEOPLE = 5
NOISE = 3.0  # gray levels


@dataclass(frozen=True)
class Walker:
    """Somebody on their way."""

    cutout: Cutout  # in pixels of the frame
    place: Floats  # (FRAMES, 2) of the upper left corner


def make_walkers(people: Sequence[Cutout], tall: tuple[float, float], rng: np.random.Generator) -> list[Walker]:
    """Half of them are there from the beginning, the others enter from the sides."""
    walkers = []
    for number, index in enumerate(rng.choice(len(people), PEOPLE, replace=False)):
        cutout = resize(people[index], rng.uniform(*tall))
        height, width = cutout.image.shape[:2]
        speed = rng.choice([-1, 1]) * rng.uniform(0.4, 0.9) * height / RATE
        entry = 0 if number % 2 == 0 else rng.uniform(0, FRAMES / 2)
        x = rng.uniform(0.05, 0.9) * SIZE[1] if not entry else (-width / 2 if speed > 0 else SIZE[1] - width / 2)
        t = np.arange(FRAMES)
        step = 2 * np.pi * (rng.uniform(0.8, 1.0) * t / RATE + rng.random())
        y = rng.uniform(0.1, 0.85) * (SIZE[0] - height) - 0.02 * height * np.abs(np.sin(step))
        x = x + speed * (t - entry)
        walkers.append(Walker(cutout, np.stack([x, y], axis=-1)))
    return walkers


def resize(cutout: Cutout, height: float) -> Cutout:
    """The same person of another height in pixels."""
    factor = height / cutout.image.shape[0]
    size = (round(cutout.image.shape[1] * factor), round(height))
    image, alpha = (cv2.resize(layer, size, interpolation=cv2.INTER_AREA) for layer in (cutout.image, cutout.alpha))
    return Cutout(image, alpha, (cutout.xy + 0.5) * factor - 0.5, cutout.area * factor**2)


def render(background: NDArray[np.float32], walkers: Sequence[Walker], rng: np.random.Generator) -> Iterator[Picture]:
    """Frames (H, W, 3) RGB."""
    base = cv2.resize(background, SIZE[::-1], interpolation=cv2.INTER_CUBIC)
    sheets = [np.clip(base + rng.normal(0, NOISE, base.shape), 0, 255).astype(np.uint8) for _ in range(2)]
    for f in range(FRAMES):
        frame = sheets[f % 2].copy()
        for walker in walkers:
            draw(frame, walker.cutout, walker.place[f])
        yield frame


def draw(frame: Picture, cutout: Cutout, corner: Floats) -> None:
    """A person into a frame, at a place between pixels."""
    left, top = np.floor(corner).astype(int).tolist()
    matrix = np.array([[1, 0, corner[0] - left], [0, 1, corner[1] - top]])
    height, width = cutout.alpha.shape[0] + 1, cutout.alpha.shape[1] + 1
    image, alpha = (cv2.warpAffine(layer, matrix, (width, height)) for layer in (cutout.image, cutout.alpha))
    x0, y0, x1, y1 = max(0, left), max(0, top), min(frame.shape[1], left + width), min(frame.shape[0], top + height)
    if x0 >= x1 or y0 >= y1:
        return
    part = np.s_[y0 - top : y1 - top, x0 - left : x1 - left]
    under = frame[y0:y1, x0:x1].astype(np.float32)
    frame[y0:y1, x0:x1] = np.rint(under + alpha[part][..., None] * (image[part] - under)).clip(0, 255)


def place(walkers: Sequence[Walker], f: int) -> Truth:
    """Who is where in a frame."""
    xy = np.array([walker.cutout.xy + walker.place[f] for walker in walkers])
    shown = ((xy >= 0) & (xy < SIZE[::-1])).all(axis=-1)
    visible = []
    for walker in walkers:
        left, top = np.rint(walker.place[f]).astype(int).tolist()
        alpha = walker.cutout.alpha
        rows, columns = slice(max(0, -top), max(0, SIZE[0] - top)), slice(max(0, -left), max(0, SIZE[1] - left))
        visible.append(alpha[rows, columns].sum() / alpha.sum())
    area = np.array([walker.cutout.area for walker in walkers])
    return Truth(np.arange(len(walkers)) + 1, xy, shown, np.array(visible), area)


def score(found: Sequence[Poses], truths: Sequence[Truth]) -> tuple[IdentityScores, int]:
    """Identities; and how many people were found under whichever."""
    sightings = [sighting(poses, truth) for poses, truth in zip(found, truths, strict=True)]
    pairs = [find_best_pairs(np.where(s.similarity >= SIMILAR, s.similarity, 0))[0] for s in sightings]
    return score_identities(sightings), sum(map(len, pairs))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path, help="Folder in COCO layout, with outlines of people.")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--each", type=int, default=3, help="Sequences.")
    parser.add_argument("--tall", default="60,160", help="Pixels.")
    parser.add_argument("--methods", default="256,368,1080,fast,balanced,best", help="Heights and qualities.")
    parser.add_argument("--threads", type=int, default=0)
    arguments = parser.parse_args()
    low, high = map(float, arguments.tall.split(","))
    annotations, images = locate_set(arguments.data)
    material = read_json(annotations)
    people, backgrounds = find_people(material, images), find_backgrounds(material, images)
    scores: dict[str, list[tuple[IdentityScores, int]]] = {}
    for number in range(arguments.each):
        for method in arguments.methods.split(","):
            rng = np.random.default_rng((arguments.seed, number))
            walkers = make_walkers(people, (low, high), rng)
            frames = render(backgrounds[rng.integers(len(backgrounds))], walkers, rng)
            how = {"input_height": int(method)} if method.isdecimal() else {"quality": method}
            estimator = PoseEstimator(arguments.model, threads=arguments.threads, **how).for_frames()
            results = track_frames(estimator, Rendered(frames), DEFAULT_TRACKING, None)
            found = [poses for _, poses in results]
            scores.setdefault(method, []).append(score(found, [place(walkers, f) for f in range(FRAMES)]))
    print("| | IDF1 | found | wrong per frame | switches |\n|---|---|---|---|---|")
    for method, parts in scores.items():
        both = total([identities for identities, _ in parts])
        right = sum(count for _, count in parts)
        wrong = (both.found - right) / (len(parts) * FRAMES)
        print(f"| {method} | {both.idf1:.3f} | {right / both.true:.3f} | {wrong:.3f} | {both.switches} |")


if __name__ == "__main__":
    main()
