"""At which size people are seen best is measured on people who are large enough to tell."""

from pathlib import Path

import numpy as np
import pytest

from nimblepose import PoseEstimator
from nimblepose.data.coco import People, Record
from nimblepose.media.pictures import read_picture
from nimblepose.training.best_size import SIZES, SizeStudy, choose_size, study_sizes

PEOPLE = Path(__file__).parents[2] / "examples" / "people.jpg"


def test_the_least_size_that_is_nearly_as_good_as_any():
    assert choose_size([64.0, 128.0, 256.0], np.array([0.5, 0.985, 1.0])) == pytest.approx(128)
    assert choose_size([64.0, 128.0, 256.0], np.array([0.5, 0.97, 1.0])) == pytest.approx(128 * np.sqrt(2))
    assert choose_size([64.0, 128.0, 256.0], np.array([0.9, 0.8, 0.7])) == 64, "the smallest"


def test_a_mean_of_few_says_nothing():
    rows = np.tile([0.2, 0.4, 0.8, 0.8, 0.8, 0.8], (20, 1))
    assert SizeStudy(rows).best_size == pytest.approx(126, abs=2)
    assert SizeStudy(rows[:19]).best_size is None


@pytest.fixture(scope="module")
def estimator():
    return PoseEstimator(threads=1)


@pytest.fixture(scope="module")
def record(estimator):
    """The example picture, labelled with what is found in it."""
    poses = estimator(PEOPLE)
    poses = poses[poses.scores > 0.7]
    annotated = poses.keypoints[:, estimator.skeleton.annotated_indices] + 0.5
    seen = ~np.isnan(annotated[..., :1])
    keypoints = np.concatenate([np.nan_to_num(annotated), 2.0 * seen], axis=-1)
    count = len(poses)
    boxes = np.asarray(poses.boxes, np.float64)
    areas = boxes[:, 2:].prod(axis=1) / 2
    people = People(keypoints, boxes, areas, np.zeros(count, bool), np.ones(count, np.intp))
    return Record(1, PEOPLE, read_picture(PEOPLE).shape[:2], estimator.skeleton, people, ())


def test_people_are_seen_badly_when_small_and_well_when_large(estimator, record):
    told = []
    study = study_sizes(
        estimator, [record, record], estimator.metadata.prior, progress=lambda done, count: told.append((done, count))
    )
    assert told == [(1, 2), (2, 2)], "of the three only one is there from head to foot"
    np.testing.assert_array_equal(study.oks[0], study.oks[1])
    well = study.oks[0, SIZES.index(181.0)]
    assert well > 0.9
    assert study.oks[0, 0] < well - 0.1
    assert len(study_sizes(estimator, [record, record], estimator.metadata.prior, most=1).oks) == 1


def test_whoever_is_small_does_not_count(estimator, record):
    people = record.people
    smaller = People(
        people.keypoints * [0.4, 0.4, 1], people.boxes * 0.4, people.areas * 0.16, people.crowds, people.categories
    )
    changed = Record(1, PEOPLE, record.size, record.skeleton, smaller, ())
    assert study_sizes(estimator, [changed], estimator.metadata.prior).best_size is None
