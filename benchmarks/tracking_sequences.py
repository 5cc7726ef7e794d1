"""How well are identities kept when people cross, hide, enter and leave?

    python benchmarks/tracking_sequences.py MODEL.onnx coco-train/ [--seed 2] [--each 4] [--cache FOLDER] [--sheet JPG]
        [--people 2] [--shake 15] [--quality fast]

Makes sequences of people who are known (`moving_people.py`), finds poses in every frame, and compares identities: those
of the tracker, those of matching each frame greedily to the one before by OKS, and those that the poses found would
allow if each were given its true identity. Then the same without the network: poses are the true ones, with the noise
and the misses of a detector, of whoever is in sight. Prints two Markdown tables.
"""

import argparse
import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import moving_people
import numpy as np
from moving_people import RATE, Picture, Rendered, Truth, find_backgrounds, find_people, make_scene, render
from remembered import remember, version

from nimblepose.core.files import write_atomically
from nimblepose.core.oks import compute_oks
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import COCO_17
from nimblepose.data.coco import read_json
from nimblepose.data.sets import locate_set
from nimblepose.drawing.fields import tile
from nimblepose.drawing.people import DrawOptions, draw_poses
from nimblepose.evaluation.identities import IdentityScores, Sighting, find_best_pairs, score_identities
from nimblepose.media.encoding import encode_picture
from nimblepose.runtime.estimator import PoseEstimator
from nimblepose.runtime.video import track_frames
from nimblepose.tracking.appearance import add_colours
from nimblepose.tracking.motion import STILL, CameraMotion
from nimblepose.tracking.tracker import OksTracker

HIDDEN = (0, 5, 15, 45)  # frames
SIMILAR = 0.5  # overlap from which on a find may be a person
COUNTED = 0.5  # share of a body in sight from which on the person must be found
NOTICED = 0.1  # share below which the person cannot be; between the two, finding and missing are both right
SHARED = 3  # keypoints that a find must share with a person

# Of the imitated detector: assumed, not fitted to what the network shows.
NOISE = 0.03  # standard deviation of a keypoint in x and y, per square root of the body's area
MISSED_KEYPOINTS = 0.1  # share of those in sight
MISSED_PEOPLE = 0.05  # share of those in sight, in every frame anew
KEYPOINT_SCORE = 0.6

Frames = Sequence[tuple[Poses, Truth]]
Identify = Callable[[Frames], list[Poses]]


def track(frames: Frames) -> list[Poses]:
    """By the product's tracker."""
    tracker = OksTracker()
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
            similarity = compute_oks(poses.keypoints, before.keypoints, oks_sigmas=poses.skeleton.oks_sigmas, area=area)
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
        rows, columns = find_best_pairs(np.where(similarity >= SIMILAR, similarity, 0))
        result.append(dataclasses.replace(poses[columns], track_ids=truth.ids[rows]))
    return result


def track_blindly(frames: Frames) -> list[Poses]:
    """By the product's tracker, without colours."""
    return track([(dataclasses.replace(poses, limb_colours=None), truth) for poses, truth in frames])


def track_without_camera(frames: Frames) -> list[Poses]:
    """By the product's tracker, which is not told how the camera moves."""
    return track([(dataclasses.replace(poses, camera_shift=STILL), truth) for poses, truth in frames])


METHODS: dict[str, Identify] = {
    "tracker": track,
    "without colours": track_blindly,
    "without the camera's motion": track_without_camera,
    "greedy OKS": match_greedily,
    "true identities": name_truly,
}


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
    rows, columns = find_best_pairs(np.where((similarity >= SIMILAR) & (counted | half)[:, None], similarity, 0))
    kept = np.ones(len(poses), bool)
    kept[columns[half[rows]]] = False
    assert poses.track_ids is not None
    return Sighting(truth.ids[counted], poses.track_ids[kept], similarity[np.ix_(counted, kept)])


def total(scores: Sequence[IdentityScores]) -> IdentityScores:
    """Counts of several sequences together."""
    return IdentityScores(*(sum(getattr(s, f.name) for s in scores) for f in dataclasses.fields(IdentityScores)))


# Poses ----------------------------------------------------------------------------------------------------------------


def find(estimator: PoseEstimator, pictures: Sequence[Picture]) -> list[Poses]:
    """Poses in every frame, as a video's are found."""
    return [poses for _, poses in track_frames(estimator.for_frames(), Rendered(pictures), None, None)]


def imitate(truths: Sequence[Truth], rng: np.random.Generator) -> list[Poses]:
    """What a detector might find of the true poses: noise on every keypoint in sight, and misses."""
    result = []
    for truth in truths:
        seen = truth.shown & (rng.random(truth.shown.shape) >= MISSED_KEYPOINTS)
        xy = truth.xy + NOISE * np.sqrt(truth.area)[:, None, None] * rng.normal(size=truth.xy.shape)
        xy = np.where(seen[..., None], xy, np.nan).astype(np.float32)
        scores = np.where(seen, KEYPOINT_SCORE, 0).astype(np.float32)
        found = (truth.visible >= NOTICED) & (seen.sum(axis=1) >= SHARED) & (rng.random(len(xy)) >= MISSED_PEOPLE)
        people = Poses(COCO_17, xy, scores, np.sqrt(KEYPOINT_SCORE * seen.mean(axis=1)).astype(np.float32))
        result.append(people[rng.permutation(np.flatnonzero(found))])
    return result


def shake(
    pictures: Sequence[Picture], truths: Sequence[Truth], pixels: float, rng: np.random.Generator
) -> tuple[list[Picture], list[Truth]]:
    """The same seen by a camera that is held in a hand: moved by up to so many pixels, evenly, each way."""
    offsets = np.rint(rng.uniform(-pixels, pixels, (len(pictures), 2)))
    moved = [
        cv2.warpAffine(picture, np.array([[1, 0, x], [0, 1, y]]), picture.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
        for picture, (x, y) in zip(pictures, offsets, strict=True)
    ]
    return moved, [dataclasses.replace(t, xy=t.xy + offset) for t, offset in zip(truths, offsets, strict=True)]


def coloured(poses: Sequence[Poses], pictures: Sequence[Picture], truths: Sequence[Truth]) -> Frames:
    """Frames whose people come with what the picture that they were found in says: colours, and the camera's motion."""
    camera = CameraMotion()
    seen = [
        dataclasses.replace(add_colours(people, picture), camera_shift=camera.measure(picture))
        for people, picture in zip(poses, pictures, strict=True)
    ]
    return list(zip(seen, truths, strict=True))


# Tables ---------------------------------------------------------------------------------------------------------------


def compare_methods(frames: Frames) -> dict[str, IdentityScores]:
    """Scores of each method over one sequence."""
    scores = {}
    for name, identify in METHODS.items():
        pairs = [sighting(poses, truth) for poses, (_, truth) in zip(identify(frames), frames, strict=True)]
        scores[name] = score_identities(pairs, min_similarity=SIMILAR)
    return scores


def table(title: str, rows: dict[int, list[dict[str, IdentityScores]]]) -> str:
    """IDF1 and switches of each method by length of hiding, as Markdown."""
    lines = [f"| {title}: hidden, frames | people to be found | " + " | ".join(METHODS) + " |"]
    lines.append("|---|---|" + "---|" * len(METHODS))
    for hidden, sequences in rows.items():
        sums = {name: total([scores[name] for scores in sequences]) for name in METHODS}
        cells = " | ".join(f"{s.idf1:.3f} ({s.switches})" for s in sums.values())
        lines.append(f"| {hidden} | {sums['tracker'].true} | {cells} |")
    return "\n".join(lines)


def drawn(pictures: Sequence[Picture], frames: Frames) -> list[Picture]:
    """Every twentieth frame with the identities that the tracker gives."""
    options = DrawOptions(colour_by="person", show_ids=True)
    named = track(frames)
    return [draw_poses(pictures[f], named[f], options) for f in range(5, len(pictures), 20)]


def main() -> None:
    """Make, find, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path, help="Folder in COCO layout, with outlines of people.")
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--each", type=int, default=4, help="Sequences for every length of hiding.")
    parser.add_argument("--height", type=int, default=256)
    parser.add_argument("--quality", choices=["fast", "balanced", "best"], help="Attention, instead of a single pass.")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cache", type=Path, help="Folder in which poses found are remembered.")
    parser.add_argument("--sheet", type=Path, help="Write a contact sheet of what the tracker says.")
    parser.add_argument("--people", type=int, default=4, help="So many of them at most.")
    parser.add_argument("--shake", type=float, default=0, help="Pixels by which the camera shakes.")
    arguments = parser.parse_args()
    how = {"quality": arguments.quality} if arguments.quality else {"input_height": arguments.height}
    estimator = PoseEstimator(arguments.model, threads=arguments.threads, **how)
    annotations, images = locate_set(arguments.data)
    material = read_json(annotations)
    people, backgrounds = find_people(material, images), find_backgrounds(material, images)
    name = version(arguments.model, Path(moving_people.__file__), options=how)
    found: dict[int, list[dict[str, IdentityScores]]] = {hidden: [] for hidden in HIDDEN}
    imitated: dict[int, list[dict[str, IdentityScores]]] = {hidden: [] for hidden in HIDDEN}
    sheet = []
    for hidden in HIDDEN:
        for number in range(1000 * arguments.seed, 1000 * arguments.seed + arguments.each):
            scene = make_scene(people, backgrounds, hidden, number)
            scene = dataclasses.replace(scene, actors=scene.actors[: arguments.people])
            pictures, truths = zip(*render(scene), strict=True)
            way = f"-{arguments.people}-{arguments.shake:g}" if (arguments.people, arguments.shake) != (4, 0) else ""
            if arguments.shake:
                pictures, truths = shake(pictures, truths, arguments.shake, np.random.default_rng((number, hidden, 1)))
            file = arguments.cache and arguments.cache / f"{name}{way}-{hidden}-{number}.npz"
            poses = remember(file, estimator.skeleton, find, estimator, pictures)
            frames = coloured(poses, pictures, truths)
            found[hidden].append(compare_methods(frames))
            noise = np.random.default_rng((number, hidden))
            imitated[hidden].append(compare_methods(coloured(imitate(truths, noise), pictures, truths)))
            sheet += drawn(pictures, frames) if arguments.sheet else []
    print(f"{len(people)} people, {len(backgrounds)} backgrounds; IDF1 (identity switches)\n")
    print(table("poses of the network", found), table("true poses with noise", imitated), sep="\n\n")
    if arguments.sheet:
        write_atomically(arguments.sheet, encode_picture(tile(sheet, 6), arguments.sheet.suffix))


if __name__ == "__main__":
    main()
