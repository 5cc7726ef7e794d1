"""Which mistakes cost AP? The same detections, with one kind of mistake put right by the labels at a time.

    python benchmarks/mistake_study.py MODEL.onnx ANNOTATIONS.json IMAGES/ [--limit 0]

The question is that of Ronchi and Perona (arXiv:1707.05388). Each detection is compared with the annotated person that
it resembles most. The model's own pose prior and scorer are left aside: the table says what they could gain.
"""

import argparse
import copy
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nimblepose.codec.decode import decode
from nimblepose.codec.options import FOR_RANKING
from nimblepose.core.oks import compute_oks
from nimblepose.core.poses import from_coco_people
from nimblepose.core.skeleton import COCO_17
from nimblepose.data.sets import AnnotatedSet
from nimblepose.evaluation.coco import MAX_PEOPLE, evaluate
from nimblepose.media.pictures import read_picture
from nimblepose.runtime.estimator import PoseEstimator

_SAME = 0.1  # likeness from which on a pose means that person, and a keypoint that keypoint
Keypoints = NDArray[np.float64]  # (17, 3), COCO's


@dataclasses.dataclass(frozen=True, eq=False)
class Truth:
    """The person that a detection resembles most, and how much, by keypoint."""

    oks: float
    xy: Keypoints  # (17, 2)
    labelled: NDArray[np.bool_]
    alike: Keypoints  # (17,)


def ranked(result: dict[str, Any], _: Keypoints, truth: Truth) -> None:
    """Score it by the similarity that it has."""
    result["score"] = truth.oks


def near(_: dict[str, Any], found: Keypoints, truth: Truth) -> None:
    """Move keypoints that are nearly right."""
    move(found, truth, truth.alike > _SAME)


def closer(_: dict[str, Any], found: Keypoints, truth: Truth) -> None:
    """Move keypoints that are nearly right a tenth of the way."""
    where = truth.labelled & (found[:, 2] > 0) & (truth.alike > _SAME)
    found[where, :2] += (truth.xy[where] - found[where, :2]) / 10


def wrong(_: dict[str, Any], found: Keypoints, truth: Truth) -> None:
    """Move keypoints that are somewhere else."""
    move(found, truth, truth.alike <= _SAME)


def missing(_: dict[str, Any], found: Keypoints, truth: Truth) -> None:
    """Put keypoints that were not found where they are."""
    where = truth.labelled & (found[:, 2] == 0)
    found[where, :2], found[where, 2] = truth.xy[where], 0.01


def move(found: Keypoints, truth: Truth, which: NDArray[np.bool_]) -> None:
    """To where the labels are, of those that were found."""
    where = truth.labelled & (found[:, 2] > 0) & which
    found[where, :2] = truth.xy[where]


MISTAKES: dict[str, Callable[[dict[str, Any], Keypoints, Truth], None]] = {
    "as found": lambda *_: None,
    "ranked by true OKS": ranked,
    "keypoints near their place moved there": near,
    "the same, a tenth of the way": closer,
    "keypoints elsewhere moved to their place": wrong,
    "keypoints not found put in their place": missing,
}


def main() -> None:
    """Find people, put one kind of mistake right, measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("annotations", type=Path)
    parser.add_argument("images", type=Path)
    parser.add_argument("--input-height", type=int, default=368)
    parser.add_argument("--limit", type=int, default=0)
    args = parser.parse_args()
    data = AnnotatedSet.read(args.annotations, args.images, COCO_17, limit=args.limit)
    estimator = PoseEstimator(args.model, input_height=args.input_height)
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in MISTAKES}
    for record in data.records:
        image = read_picture(record.path)
        placement = estimator.place(image)
        heatmaps, pafs = (field[0] for field in estimator.compute_fields([image], placement))
        geometry = estimator.metadata.paf_geometry
        stride = estimator.metadata.input.stride
        poses = decode(heatmaps, pafs, estimator.skeleton, stride=stride, paf_geometry=geometry, options=FOR_RANKING)
        poses = dataclasses.replace(poses, keypoints=placement.to_image(poses.keypoints).astype(np.float32))
        results = poses.to_coco(record.image_id, max_people=MAX_PEOPLE)
        xy = from_coco_people(results).keypoints
        sigmas = np.array(COCO_17.oks_sigmas)
        likeness = compute_oks(xy, record.xy, oks_sigmas=sigmas, area=record.areas)
        for i, result in enumerate(results):
            best = int(likeness[i].argmax()) if len(record.xy) else None
            for name, put_right in MISTAKES.items():
                changed = copy.deepcopy(result)
                if best is not None and likeness[i, best] > _SAME:
                    theirs = record.xy[best].astype(np.float64)
                    squared = ((xy[i] - theirs) ** 2).sum(axis=1) / (2 * record.areas[best] * (2 * sigmas) ** 2)
                    truth = Truth(
                        float(likeness[i, best]),
                        theirs + 0.5,
                        ~np.isnan(theirs[:, 0]),
                        np.exp(-np.nan_to_num(squared, nan=np.inf)),
                    )
                    keypoints = np.array(changed["keypoints"], np.float64).reshape(-1, 3)
                    put_right(changed, keypoints, truth)
                    changed["keypoints"] = keypoints.ravel().tolist()
                elif put_right is ranked:
                    changed["score"] = 0.0
                found[name].append(changed)
    print("| detections | AP | AP50 | AP75 | AP medium | AP large |\n" + "|---" * 6 + "|")
    for name, detections in found.items():
        figures = dataclasses.astuple(evaluate(data, detections))[:5]
        print(f"| {name} | {' | '.join(f'{value:.4f}' for value in figures)} |", flush=True)


if __name__ == "__main__":
    main()
