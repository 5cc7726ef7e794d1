"""Sigmas are found again from annotators who deviate by known ones; people are paired with themselves."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from nimblepose.core.errors import DataError
from nimblepose.core.skeleton import HUMAN_18, Skeleton
from nimblepose.data.coco import People, Record
from nimblepose.evaluation.sigmas import estimate_sigmas

SKELETON = Skeleton("three", ("a", "b", "c"), (("a", "b"), ("b", "c")))
TRUE = np.array([0.02, 0.05, 0.1])


def record(xy, areas, name="1.jpg", skeleton=SKELETON):
    xy = np.asarray(xy, np.float64)
    seen = ~np.isnan(xy[..., :1])
    keypoints = np.concatenate([np.where(seen, xy + 0.5, 0), np.where(seen, 2, 0)], axis=-1)
    count = len(xy)
    people = People(keypoints, np.zeros((count, 4)), np.float64(areas), np.zeros(count, bool), np.ones(count, np.int64))
    return Record(1, Path(name), (1000, 1000), skeleton, people, ())


def two_annotators(people, seed=0):
    """Truth, and each annotator's deviation of E[d^2] = sigma^2 area, d in the plane."""
    rng = np.random.default_rng(seed)
    area = rng.uniform(50, 150, people) ** 2
    centre = np.arange(people)[:, None, None] * 400.0  # nobody is near anybody
    truth = centre + rng.uniform(0, 100, (people, 3, 2))
    noise = rng.normal(size=(2, people, 3, 2)) * (TRUE / np.sqrt(2))[:, None] * np.sqrt(area)[:, None, None]
    return [record(truth + deviation, area) for deviation in noise]


def test_known_deviations_are_found_again():
    first, second = two_annotators(600)
    found = estimate_sigmas([first], [second], skeleton=SKELETON)
    np.testing.assert_allclose(found.oks_sigmas, TRUE, rtol=0.1)
    assert found.people == 600
    assert found.pairs.tolist() == [600] * 3


def test_twice_in_one_picture_or_in_two_of_one_name_is_the_same():
    first, second = two_annotators(50)
    expected = estimate_sigmas([first], [second], skeleton=SKELETON).oks_sigmas
    both = record(np.concatenate([first.xy, second.xy]), np.concatenate([first.areas, second.areas]))
    np.testing.assert_allclose(estimate_sigmas([both], skeleton=SKELETON).oks_sigmas, expected)
    np.testing.assert_allclose(estimate_sigmas([first, second], skeleton=SKELETON).oks_sigmas, expected)


def test_size_does_not_matter():
    first, second = two_annotators(50)
    larger = [record(r.xy * 2, r.areas * 4) for r in (first, second)]
    expected = estimate_sigmas([first], [second], skeleton=SKELETON).oks_sigmas
    found = estimate_sigmas(larger[:1], larger[1:], skeleton=SKELETON).oks_sigmas
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_the_order_of_people_does_not_matter():
    first, second = two_annotators(20)
    turned = record(second.xy[::-1], second.areas[::-1])
    found = estimate_sigmas([first], [turned], skeleton=SKELETON)
    np.testing.assert_allclose(found.oks_sigmas, estimate_sigmas([first], [second], skeleton=SKELETON).oks_sigmas)


def test_neighbours_and_strangers_are_not_taken_for_the_same_person():
    xy = np.array([[[0, 0], [50, 0], [0, 50]], [[60, 0], [110, 0], [60, 50]]])
    alone = record(xy, [10_000, 10_000])
    assert estimate_sigmas([alone], skeleton=SKELETON).people == 0
    assert np.isnan(estimate_sigmas([alone], skeleton=SKELETON).oks_sigmas).all()


def test_what_one_annotator_left_out_does_not_count():
    first, second = two_annotators(10)
    second.people.keypoints[:4, 2] = 0
    assert estimate_sigmas([first], [second], skeleton=SKELETON).pairs.tolist() == [10, 10, 6]


def test_derived_keypoints_are_not_estimated():
    empty = record(np.zeros((0, 17, 2)), [], skeleton=HUMAN_18)
    assert len(estimate_sigmas([empty], skeleton=HUMAN_18).oks_sigmas) == 17


def test_two_files_without_a_common_picture_are_refused():
    first, second = two_annotators(2)
    with pytest.raises(DataError, match="no picture in common"):
        estimate_sigmas([first], [dataclasses.replace(second, path=Path("2.jpg"))], skeleton=SKELETON)
