"""Errors to expect are learnt so that the shares within one and two of them come right, whatever else there is."""

import numpy as np
import pytest

from nimblepose.core.people import GroupedPeople
from nimblepose.training.keypoint_errors import SHARES, Offsets, fit_errors, measure_offsets

K = 4
SIGMAS = np.array([0.03, 0.05, 0.08, 0.1])
SCALES = np.array([0.05, 0.1, 0.1, 0.3])  # cells at the usual size and full height


def make_people(count, seed=0):
    """People of all sizes, some keypoints of whom are faint and some missing."""
    rng = np.random.default_rng(seed)
    xy = (rng.uniform(-1, 1, (count, K, 2)) * rng.uniform(4, 30, (count, 1, 1))).astype(np.float32)
    heights = rng.uniform(0.1, 1, (count, K)).astype(np.float32)
    lost = rng.random((count, K)) < 0.2
    lost[:, :2] = False
    xy[lost], heights[lost] = np.nan, 0
    return GroupedPeople(xy, heights, np.ones(count, np.float32))


def tell_truth(people):
    """(N, K) cells: grows with the size, and where the peak is low."""
    extent = np.nanmax(people.keypoints, axis=1) - np.nanmin(people.keypoints, axis=1)
    size = np.hypot(extent[:, 0], extent[:, 1])[:, None] / np.exp(2.5)
    heights = np.where(people.peak_heights > 0, people.peak_heights, np.nan)
    return SCALES * size**0.7 * heights**-0.8


def draw(people, seed=0, *, wild=0.0):
    """Distances (N, K) of normally distributed errors, some of which are far off instead."""
    rng = np.random.default_rng(seed)
    errors = tell_truth(people)
    distances = errors * rng.rayleigh(size=errors.shape)
    return np.where(rng.random(errors.shape) < wild, 50 + distances, distances)


def share(distances, errors, times):
    return np.nanmean(np.where(np.isnan(distances), np.nan, distances < times * errors), axis=0)


def test_what_was_drawn_is_learnt():
    learnt = fit_errors(measure_offsets(make_people(4000), draw(make_people(4000))), SIGMAS)
    new = make_people(1000, seed=1)
    found, truth = learnt(new), tell_truth(new)
    np.testing.assert_allclose(np.nanmedian(found / truth, axis=0), 1, atol=0.06)
    assert np.nanstd(np.log(found / truth)) < 0.12


@pytest.mark.parametrize("wild", [0.0, 0.04])
def test_the_shares_come_right_for_every_kind_also_where_some_are_far_off(wild):
    people = make_people(4000)
    learnt = fit_errors(measure_offsets(people, draw(people, wild=wild)), SIGMAS)
    new = make_people(3000, seed=1)
    distances = draw(new, seed=1, wild=wild)
    for times, wanted in zip((1, 2), SHARES, strict=True):
        np.testing.assert_allclose(share(distances, learnt(new), times), wanted, atol=0.05)
    np.testing.assert_allclose(SHARES, [0.3935, 0.8647], atol=1e-4)


def test_how_far_the_far_ones_are_does_not_matter():
    people = make_people(2000)
    near = draw(people, wild=0.05)
    far = np.where(near > 40, 1e5 * near, near)
    one, other = (fit_errors(measure_offsets(people, distances), SIGMAS) for distances in (near, far))
    np.testing.assert_allclose(one.kinds, other.kinds, atol=1e-3)


def test_few_labels_stay_near_what_is_usual():
    """Of a few people only one of the kinds: errors of the others go by how far annotators differ."""
    people = make_people(80)
    distances = draw(people)
    distances[:, 1:] = np.nan
    learnt = fit_errors(measure_offsets(people, distances), SIGMAS)
    errors = learnt(make_people(500, seed=1))
    medians = np.nanmedian(errors, axis=0)
    assert medians[3] / medians[1] == pytest.approx(2, rel=0.2)  # as their OKS sigmas
    assert 0.5 < np.nanmedian(errors[:, 0] / tell_truth(make_people(500, seed=1))[:, 0]) < 2


def test_hardly_any_labels_teach_nothing():
    people = make_people(1)
    assert fit_errors(measure_offsets(people, draw(people)), SIGMAS) is None
    assert fit_errors(Offsets.empty(), SIGMAS) is None


def test_what_is_exactly_in_its_place_is_no_trouble():
    people = make_people(500)
    learnt = fit_errors(measure_offsets(people, 0 * draw(people)), SIGMAS)
    assert (np.nan_to_num(learnt(people)) < 0.1).all()


def test_only_keypoints_that_are_found_and_annotated_count():
    people = make_people(3)
    distances = np.full((3, K), 0.5)
    distances[1, 2] = np.nan
    offsets = measure_offsets(people, distances)
    there = ~np.isnan(people.keypoints[..., 0]) & ~np.isnan(distances)
    np.testing.assert_array_equal(offsets.kinds, np.nonzero(there)[1])
    assert len(offsets.distances) == len(offsets.own) == len(offsets.shared) == there.sum()
    both = Offsets.join([offsets, Offsets.empty(), offsets])
    np.testing.assert_array_equal(both.own, np.concatenate([offsets.own] * 2))
