"""Several sightings of one person are one person, and two people stay two."""

import dataclasses

import numpy as np
import pytest

from nimblepose.looks.merging import merge, tell_way
from nimblepose.looks.sightings import Sightings

SIGMAS = np.full(4, 0.08)
BODY = np.array([[0, 0], [40, 10], [20, 60], [0, 100]], np.float32)


def sight(*poses, scores=None, whole=None, grain=None, heights=None, errors=None):
    xy = np.array(poses, np.float32).reshape(-1, 4, 2)
    count = len(xy)
    return Sightings(
        keypoints=xy,
        whole=xy if whole is None else np.asarray(whole, np.float32),
        heights=(~np.isnan(xy[..., 0])).astype(np.float32) if heights is None else np.asarray(heights, np.float32),
        scores=np.linspace(0.9, 0.5, count).astype(np.float32) if scores is None else np.asarray(scores, np.float32),
        grain=np.full(count, 8, np.float32) if grain is None else np.asarray(grain, np.float32),
        turns=np.zeros(count, np.intp),
        errors=np.full(xy.shape[:2], np.nan, np.float32) if errors is None else np.asarray(errors, np.float32),
    )


def test_of_one_person_seen_twice_the_better_sighting_stays():
    merged = merge(sight(BODY + 1, BODY, scores=[0.4, 0.8]), SIGMAS)
    assert merged.scores.tolist() == pytest.approx([0.8])


def test_people_beside_each_other_stay_two_best_first():
    merged = merge(sight(BODY, BODY + np.array([60, 0]), scores=[0.4, 0.8]), SIGMAS)
    np.testing.assert_allclose(merged.keypoints[:, 0, 0], [60, 0])


def test_who_resembles_somebody_who_is_gone_stays():
    chain = sight(BODY, BODY + np.array([0, 8]), BODY + np.array([0, 16]), scores=[0.9, 0.8, 0.7])
    merged = merge(chain, SIGMAS)
    np.testing.assert_allclose(merged.keypoints[:, 0, 1], [0, 16], atol=5)


def test_order_does_not_matter():
    rng = np.random.default_rng(0)
    poses = [BODY + offset for offset in rng.uniform(0, 200, (30, 2))]
    many = sight(*poses, scores=rng.permutation(30) / 30)
    one, other = merge(many, SIGMAS), merge(many[rng.permutation(30)], SIGMAS)
    np.testing.assert_allclose(one.keypoints, other.keypoints)
    assert len(one) < 30


def test_the_error_of_a_mean_is_that_of_sightings_that_resemble_each_other():
    errors = np.array([[2, 4, np.nan, 1], [3, 4, 5, np.nan]], np.float32)
    both = sight(BODY, BODY + 1, scores=[0.9, 0.8], errors=errors, grain=[8, 16], heights=np.ones((2, 4)))
    merged = merge(both, SIGMAS)
    first, second = merged.errors[0, :2]
    assert len(merged) == 1
    assert np.hypot(2 * 0.8, 3 * 0.2) < first < 2 * 0.8 + 3 * 0.2  # weights as those of places: 1/64 and 1/256
    assert np.hypot(4 * 0.8, 4 * 0.2) < second < 4
    alone = merge(both[:1], SIGMAS)
    np.testing.assert_array_equal(alone.errors, errors[:1])


def test_a_keypoint_taken_from_another_sighting_has_its_error():
    lacking = BODY.copy()
    lacking[3] = np.nan
    errors = np.array([[2, 2, 2, np.nan], [3, 3, 3, 7]], np.float32)
    merged = merge(sight(lacking, BODY, whole=[BODY, BODY], scores=[0.9, 0.8], errors=errors), SIGMAS)
    assert merged.errors[0, 3] == 7
    unknown = merge(sight(lacking, BODY, whole=[BODY, BODY], scores=[0.9, 0.8]), SIGMAS)
    assert np.isnan(unknown.errors).all()


def test_twice_is_nothing():
    rng = np.random.default_rng(1)
    merged = merge(sight(*(BODY + offset for offset in rng.uniform(0, 200, (30, 2)))), SIGMAS)
    np.testing.assert_array_equal(merge(merged, SIGMAS).scores, merged.scores)


def test_nobody_is_nobody():
    assert len(merge(sight(), SIGMAS)) == 0


def test_parts_of_two_are_told_by_where_the_rest_is_expected():
    upper, lower = BODY.copy(), BODY.copy()
    upper[2:], lower[:2] = np.nan, np.nan
    seen = sight(upper, lower)
    assert len(merge(seen, SIGMAS)) == 2, "without a prior they have nothing in common"
    assert len(merge(dataclasses.replace(seen, whole=np.stack([BODY, BODY])), SIGMAS)) == 1


def test_whoever_is_seen_in_two_ways_up_stands_only_one_of_them():
    upside_down = BODY[[3, 2, 1, 0]] * np.array([1, 0.6], np.float32)  # of the same place, alike in nothing
    seen = sight(BODY, upside_down, scores=[0.8, 0.6])
    assert len(merge(seen, SIGMAS)) == 2
    merged = merge(dataclasses.replace(seen, turns=np.array([0, 2])), SIGMAS)
    assert merged.scores.tolist() == pytest.approx([0.8])
    beside = sight(BODY, upside_down + np.array([45, 0], np.float32), scores=[0.8, 0.6])
    assert len(merge(dataclasses.replace(beside, turns=np.array([0, 2])), SIGMAS)) == 2


@pytest.mark.parametrize(("usual", "turned"), [(0, 1), (2, 0), (3, 2)])
def test_where_most_stand_one_way_up_the_others_must_be_much_surer(usual, turned):
    upside_down = BODY[[3, 2, 1, 0]] * np.array([1, 0.6], np.float32)
    neighbours = [BODY + np.array([x, 0], np.float32) for x in (200, 400, 600)]
    seen = sight(BODY, upside_down, *neighbours, scores=[0.5, 0.7, 0.8, 0.8, 0.8])
    seen = dataclasses.replace(seen, turns=np.array([usual, turned, usual, usual, usual]))
    merged = merge(seen, SIGMAS)
    assert tell_way(merged) == usual
    assert merged.scores.tolist() == pytest.approx([0.8, 0.8, 0.8, 0.5])
    surer = dataclasses.replace(seen, scores=np.array([0.3, 0.7, 0.6, 0.6, 0.6], np.float32))
    assert merge(surer, SIGMAS).scores.tolist() == pytest.approx([0.6, 0.6, 0.6, 0.8 * 0.7]), "best first"
