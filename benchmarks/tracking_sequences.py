"""How well are identities kept when people cross, hide, enter and leave?

    python benchmarks/tracking_sequences.py MODEL.onnx coco-train/ [--seed 2] [--each 2] [--sheet sequences.jpg]

Makes sequences of people who are known (`moving_people.py`), finds poses in every frame, and compares identities: those
of the tracker, those of matching each frame greedily to the one before by OKS, and those that the poses found would
allow if each were given its true identity. Prints a Markdown table.
"""

import argparse
import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from moving_people import RATE, Truth, find_backgrounds, find_people, make_scene, render

from nimblepose.core.oks import oks
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import COCO_17
from nimblepose.data.coco import read_json
from nimblepose.data.sheet import tile
from nimblepose.evaluation.detect import locate_set
from nimblepose.evaluation.identities import IdentityScores, Sighting, best_pairs, identity_scores
from nimblepose.media.drawing import DrawOptions, draw_poses
from nimblepose.media.files import write_atomically
from nimblepose.media.writers import encode_picture
from nimblepose.runtime.estimator import PoseEstimator
from nimblepose.tracking.tracker import Tracker

HIDDEN = (0, 5, 15, 45)  # frames
SIMILAR = 0.5  # overlap from which on a find may be a person
COUNTED = 0.5  # share of a body in sight from which on the person must be found
NOTICED = 0.1  # share below which the person cannot be; between the two, finding and missing are both right
SHARED = 3  # keypoints that a find must share with a person

Frames = Sequence[tuple[Poses, Truth]]
Identify = Callable[[Frames], list[Poses]]


def track(frames: Frames) -> list[Poses]:
    """By the product's tracker."""
    tracker = Tracker()
    return [tracker.update(poses, number / RATE) for number, (poses, _) in enumerate(frames)]


def match_greedily(frames: Frames) -> list[Poses]:
    """By matching each frame to the one before, the most similar pairs first; who matches nobody is new."""
    result: list[Poses] = []
    count = 0
    for poses, _ in frames:
        ids = np.zeros(len(poses), np.int64)
        if result and len(result[-1]) and len(poses):
            before = result[-1]
            area = np.maximum(0.5 * before.boxes[:, 2:].prod(axis=1), 1)
            similarity = oks(poses.keypoints, before.keypoints, oks_sigmas=poses.skeleton.oks_sigmas, area=area)
            while similarity.max() > 0.3:
                new, old = np.unravel_index(similarity.argmax(), similarity.shape)
                ids[new] = before.track_ids[old]
                similarity[new], similarity[:, old] = 0, 0
        fresh = ids == 0
        ids[fresh] = count + 1 + np.arange(fresh.sum())
        count += int(fresh.sum())
        result.append(dataclasses.replace(poses, track_ids=ids))
    return result


def name_truly(frames: Frames) -> list[Poses]:
    """By looking up who it is: what the poses found allow at best; finds that are nobody are left out."""
    result = []
    for poses, truth in frames:
        similarity = compare(poses, truth)
        rows, columns = best_pairs(np.where(similarity >= SIMILAR, similarity, 0))
        result.append(dataclasses.replace(poses[columns], track_ids=truth.ids[rows]))
    return result


METHODS: dict[str, Identify] = {"tracker": track, "greedy OKS": match_greedily, "true identities": name_truly}


def compare(poses: Poses, truth: Truth) -> np.ndarray:
    """How well F finds lie on G people, (G, F): the overlap of their boxes around the keypoints that both have.

    Boxes, because identities are asked for, not whether left and right were told apart; a tenth of the body is added
    on each side, as boxes around people have it.
    """
    found = poses.to_skeleton(COCO_17).keypoints
    both = ~np.isnan(found[None, ..., 0]) & ~np.isnan(truth.xy[:, None, :, 0])  # (G, F, 17)
    margin = 0.2 * np.sqrt(truth.area)[:, None, None]
    corners = []
    for xy in (found[None], truth.xy[:, None]):
        known = np.where(both[..., None], xy, np.nan)
        corners.append((np.fmin.reduce(known, axis=2) - margin, np.fmax.reduce(known, axis=2) + margin))
    (low, high), (true_low, true_high) = corners
    shared = np.maximum(np.minimum(high, true_high) - np.maximum(low, true_low), 0).prod(axis=-1)
    whole = (high - low).prod(axis=-1) + (true_high - true_low).prod(axis=-1) - shared
    return np.where(both.sum(axis=-1) >= SHARED, np.nan_to_num(shared / whole), 0.0)


def sighting(poses: Poses, truth: Truth) -> Sighting:
    """What is scored of one frame: people in plain sight, and the finds that are not somebody half hidden."""
    counted = truth.visible >= COUNTED
    half = ~counted & (truth.visible >= NOTICED)
    similarity = compare(poses, truth)
    rows, columns = best_pairs(np.where((similarity >= SIMILAR) & (counted | half)[:, None], similarity, 0))
    kept = np.ones(len(poses), bool)
    kept[columns[half[rows]]] = False
    assert poses.track_ids is not None
    return Sighting(truth.ids[counted], poses.track_ids[kept], similarity[np.ix_(counted, kept)])


def total(scores: Sequence[IdentityScores]) -> IdentityScores:
    """Counts of several sequences together."""
    return IdentityScores(*(sum(getattr(s, f.name) for s in scores) for f in dataclasses.fields(IdentityScores)))


def main() -> None:
    """Make, find, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path, help="Folder in COCO layout, with outlines of people.")
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--each", type=int, default=2, help="Sequences for every length of hiding.")
    parser.add_argument("--height", type=int, default=256)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--sheet", type=Path, help="Write a contact sheet of what the tracker says.")
    arguments = parser.parse_args()
    estimator = PoseEstimator(arguments.model, input_height=arguments.height, threads=arguments.threads)
    annotations, images = locate_set(arguments.data)
    material = read_json(annotations)
    people, backgrounds = find_people(material, images), find_backgrounds(material, images)
    print(f"{len(people)} people, {len(backgrounds)} backgrounds; IDF1 (identity switches)\n")
    print("| hidden, frames | people to be found | " + " | ".join(METHODS) + " |")
    print("|---|---|" + "---|" * len(METHODS))
    sheet = []
    for hidden in HIDDEN:
        scores: dict[str, list[IdentityScores]] = {name: [] for name in METHODS}
        for n in range(arguments.each):
            scene = make_scene(people, backgrounds, hidden, 1000 * arguments.seed + n)
            pictures = []
            frames = []
            for picture, truth in render(scene):
                pictures.append(picture)
                frames.append((estimator(picture), truth))
            for name, identify in METHODS.items():
                named = identify(frames)
                pairs = [sighting(poses, truth) for poses, (_, truth) in zip(named, frames, strict=True)]
                scores[name].append(identity_scores(pairs, min_similarity=SIMILAR))
            options = DrawOptions(colour_by="person", show_ids=True)
            drawn = [draw_poses(p, q, options) for p, q in zip(pictures, track(frames), strict=True)]
            sheet += drawn[5::20] if arguments.sheet else []
        sums = {name: total(of_name) for name, of_name in scores.items()}
        cells = " | ".join(f"{s.idf1:.3f} ({s.switches})" for s in sums.values())
        print(f"| {hidden} | {sums['tracker'].true} | {cells} |", flush=True)
    if arguments.sheet:
        write_atomically(arguments.sheet, encode_picture(tile(sheet, 6), arguments.sheet.suffix))


if __name__ == "__main__":
    main()
