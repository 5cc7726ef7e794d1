"""Pixel errors: who is whose pose, what counts as missed, exchanged or right, and that nothing hides in a mean."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import Skeleton
from nimblepose.data.coco import build_records
from nimblepose.evaluation.pixels import judge, summarise

NAMES = ("nose", "left_ear", "right_ear", "tail")
MOUSE = Skeleton(
    "mouse", NAMES, (("nose", "left_ear"), ("nose", "right_ear"), ("nose", "tail")),
    mirror_pairs=(("left_ear", "right_ear"),),
)  # fmt: skip
SHAPE = np.array([(0.0, 0.0), (20.0, 10.0), (-20.0, 10.0), (0.0, 100.0)])


def record(*places, unlabelled=()):
    people = []
    for number, place in enumerate(places):
        xy = SHAPE + place + 0.5
        flags = [0 if (number, k) in unlabelled else 2 for k in range(4)]
        people.append({"id": number + 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 40, 100],
                       "keypoints": [v for (x, y), f in zip(xy, flags, strict=True) for v in (x, y, f)]})  # fmt: skip
    coco = {
        "images": [{"id": 1, "file_name": "1.png", "height": 400, "width": 600}],
        "categories": [{"id": 1, "name": "mouse", "keypoints": list(NAMES)}],
        "annotations": people,
    }
    return build_records(coco, Path(), MOUSE)[0]


def found(*poses, scores=None):
    xy = np.array(poses, np.float32).reshape(-1, 4, 2)
    seen = (~np.isnan(xy[..., 0])).astype(np.float32)
    return Poses(MOUSE, xy, seen, np.array(scores or [0.9] * len(xy), np.float32))


def measure(poses, labels):
    return summarise([judge(poses, labels, min_score=0.35)], MOUSE)


def test_what_is_right_is_off_by_nothing():
    figures = measure(found(SHAPE + 50, SHAPE + np.array([300, 50])), record((50, 50), (300, 50)))
    assert figures.overall.labelled == 8
    assert figures.overall.mean == pytest.approx(0, abs=1e-4)
    assert (figures.overall.pck, figures.overall.missed, figures.overall.exchanged) == (1, 0, 0)
    assert (figures.subjects, figures.subjects_missed) == (2, 0)
    assert list(figures.keypoints) == list(NAMES)
    assert math.isnan(figures.keypoints["nose"].exchanged), "it has no partner"


def test_errors_are_in_pixels_of_the_picture():
    off = np.zeros((4, 2))
    off[3] = (0, 12)
    figures = measure(found(SHAPE + 50 + off), record((50, 50)))
    assert figures.keypoints["tail"].mean == pytest.approx(12, abs=1e-4)
    assert figures.overall.mean == pytest.approx(3, abs=1e-4)
    assert figures.overall.median == pytest.approx(0, abs=1e-4)
    assert figures.overall.rmse == pytest.approx(6, abs=1e-4)
    assert figures.overall.pck == 0.75, "a tenth of 100 pixels is 10"
    assert figures.overall.relative == pytest.approx(0.03, abs=1e-4)


def test_what_was_missed_is_said_and_counts_against_pck_and_the_relative_error():
    pose = SHAPE + 50
    pose[1:3] = np.nan
    figures = measure(found(pose), record((50, 50), (300, 50)))
    assert figures.overall.mean == pytest.approx(0, abs=1e-4)
    assert figures.overall.missed == 0.75
    assert figures.overall.pck == 0.25
    assert figures.overall.relative == pytest.approx(0.75, abs=1e-4)
    assert figures.subjects_missed == 1


def test_poses_that_would_not_be_shown_do_not_count_nor_what_completion_put_in_place():
    hidden = measure(found(SHAPE + 50, scores=[0.3]), record((50, 50)))
    assert hidden.overall.missed == 1
    assert math.isnan(hidden.overall.mean)
    completed = found(SHAPE + 50)
    completed.keypoint_scores[0, 3] = 0
    assert measure(completed, record((50, 50))).keypoints["tail"].missed == 1


def test_a_pose_far_off_is_measured_and_not_left_out():
    """OKS of it is 0: where AP only says that somebody was missed, this says by how much."""
    figures = measure(found(SHAPE + np.array([50, 120])), record((50, 50)))
    assert figures.overall.mean == pytest.approx(70, abs=1e-3)
    assert figures.subjects_missed == 0
    nowhere = measure(found(SHAPE + np.array([50, 250])), record((50, 50)))
    assert nowhere.subjects_missed == 1, "that is not of this one any more"


def test_left_and_right_exchanged():
    exchanged = (SHAPE + 50)[[0, 2, 1, 3]]
    figures = measure(found(exchanged), record((50, 50)))
    assert figures.overall.exchanged == 1
    assert figures.keypoints["left_ear"].exchanged == 1
    one = exchanged.copy()
    one[2] = np.nan
    assert measure(found(one), record((50, 50))).keypoints["left_ear"].exchanged == 1
    nobody_knows = measure(found(exchanged), record((50, 50), unlabelled={(0, 1)}))
    assert math.isnan(nobody_knows.overall.exchanged), "of the other ear there is no label"


def test_each_pose_has_one_subject_the_surest_first():
    labels = record((50, 50), (60, 50))
    figures = measure(found(SHAPE + np.array([52, 50]), SHAPE + np.array([51, 50]), scores=[0.9, 0.5]), labels)
    assert figures.subjects_missed == 0
    assert figures.overall.mean == pytest.approx((2 + 9) / 2, abs=1e-3)


def test_nobody_is_nothing_to_measure_by():
    figures = measure(found(SHAPE + 50), record())
    assert (figures.subjects, figures.overall.labelled) == (0, 0)
    assert math.isnan(figures.overall.pck)
    assert figures.to_dict()["overall"]["pck"] is None
    assert dataclasses.asdict(summarise([], MOUSE).overall)["labelled"] == 0
