"""The worst misses and false alarms of a set of detections, as pictures to learn from."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from nimblepose.core.files import make_folder, write_atomically
from nimblepose.core.oks import compute_oks
from nimblepose.core.poses import Poses, from_coco_people
from nimblepose.core.skeleton import Skeleton
from nimblepose.data.coco import Record
from nimblepose.data.regions import paint_regions
from nimblepose.drawing.people import draw_poses
from nimblepose.evaluation.coco import MAX_PEOPLE, select_oks_sigmas
from nimblepose.evaluation.comparison import list_annotated
from nimblepose.media.encoding import encode_picture
from nimblepose.media.pictures import Picture, read_picture

_SAME_PERSON = 0.5  # OKS from which a detection counts as found, the most lenient threshold of AP
_MIN_SHARE = 5 / 17  # of the keypoints; a person with fewer labelled is hard to see, so missing them teaches little
_MARK = (255, 0, 0)


@dataclass(frozen=True, eq=False)
class Mistake:
    """A person who was not found, or somebody found where nobody is.

    Attributes:
        kind: Which of the two.
        record: The picture and its annotations.
        weight: How bad, to compare within a kind: a missed person's area in square pixels, a false alarm's score.
        box: (4,) x, y, width, height of the person in question, pixels.
        people: Annotated people of the picture.
        detections: What was found in the picture.
    """

    kind: Literal["missed", "false alarm"]
    record: Record
    weight: float
    box: NDArray[np.float32]
    people: Poses
    detections: Poses


def find_mistakes(
    records: Sequence[Record], detections: Sequence[Mapping[str, Any]], *, skeleton: Skeleton, count: int
) -> list[Mistake]:
    """The `count` worst of each kind, misses first; the matching is COCO's at OKS 0.5, best detections first.

    Args:
        records: The annotated pictures.
        detections: COCO results in these pictures.
        skeleton: Of both.
        count: How many of each kind.
    """
    found: dict[int, list[Mapping[str, Any]]] = {}
    for detection in sorted(detections, key=lambda d: -float(d["score"])):
        found.setdefault(int(detection["image_id"]), []).append(detection)
    missed: list[Mistake] = []
    alarms: list[Mistake] = []
    for record in records:
        rows = [dict(row) for row in found.get(record.image_id, [])[:MAX_PEOPLE]]
        detected = from_coco_people(rows, skeleton) if rows else Poses.empty(skeleton)
        people = list_annotated(record, skeleton)
        taken, right = _match(detected, people, record, skeleton)
        visible = people.found[:, skeleton.annotated_indices].mean(axis=1) >= _MIN_SHARE
        missed += [
            Mistake("missed", record, float(record.areas[i]), record.boxes[i], people, detected)
            for i in np.flatnonzero(~taken & visible)
        ]
        false = ~right & ~_find_on_ignored(detected, record) & detected.found.any(axis=1)
        alarms += [
            Mistake("false alarm", record, float(detected.scores[i]), detected.boxes[i], people, detected)
            for i in np.flatnonzero(false)
        ]
    worst = (sorted(kind, key=lambda mistake: -mistake.weight)[:count] for kind in (missed, alarms))
    return [mistake for kind in worst for mistake in kind]


def draw_mistake(picture: Picture, mistake: Mistake) -> Picture:
    """The annotated people on the left, what was found on the right, the person in question in a red box.

    Args:
        picture: (H, W, 3) RGB, the one of the record.
        mistake: What to show.

    Returns:
        (H, 2 W, 3) RGB.
    """
    x, y, width, height = np.nan_to_num(mistake.box).tolist()
    halves = [draw_poses(picture, mistake.people), draw_poses(picture, mistake.detections)]
    for half in halves:
        corners = (round(x), round(y)), (round(x + width), round(y + height))
        cv2.rectangle(half, *corners, _MARK, max(1, min(half.shape[:2]) // 200))
    return np.concatenate(halves, axis=1)


def write_mistakes(mistakes: Sequence[Mistake], folder: Path) -> list[Path]:
    """Draw every mistake into a file whose name tells kind, rank and picture: `missed_001_785.jpg`.

    Raises:
        MediaError: the folder cannot be made or written to, or a picture cannot be read.
    """
    make_folder(folder)
    places: Counter[str] = Counter()
    written = []
    for mistake in mistakes:
        kind = mistake.kind.replace(" ", "_")
        places[kind] += 1
        path = folder / f"{kind}_{places[kind]:03}_{mistake.record.image_id}.jpg"
        height, width = mistake.record.size
        picture = read_picture(mistake.record.path, max_pixels=height * width)  # it was read before
        write_atomically(path, encode_picture(draw_mistake(picture, mistake), path.suffix))
        written.append(path)
    return written


def _match(
    detected: Poses, people: Poses, record: Record, skeleton: Skeleton
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Who was found, (M,), and which detections found somebody, (N,); each takes the most similar who is still free."""
    taken, right = np.zeros(len(people), bool), np.zeros(len(detected), bool)
    columns = skeleton.annotated_indices
    similarity = compute_oks(
        detected.keypoints[:, columns],
        people.keypoints[:, columns],
        oks_sigmas=select_oks_sigmas(skeleton),
        area=record.areas,
    )
    for i, row in enumerate(similarity):
        free = np.where(taken, 0.0, row)
        if len(free) and free.max() >= _SAME_PERSON:
            taken[free.argmax()] = right[i] = True
    return taken, right


def _find_on_ignored(detected: Poses, record: Record) -> NDArray[np.bool_]:
    """Detections of which most keypoints lie where somebody may be who is not labelled, (N,)."""
    if not record.ignore or not len(detected):
        return np.zeros(len(detected), bool)
    mask = paint_regions(record.ignore, record.size)
    height, width = record.size
    x, y = np.moveaxis(np.nan_to_num(detected.keypoints), -1, 0)
    columns, rows = np.clip(np.rint(x), 0, width - 1).astype(int), np.clip(np.rint(y), 0, height - 1).astype(int)
    inside = mask[rows, columns] & detected.found
    return np.asarray(inside.sum(axis=1) * 2 > detected.found.sum(axis=1))
