"""A keypoint that was not found is put where the others make it most likely, whatever the pose's place and size."""

import numpy as np
import pytest

from nimblepose.core.errors import ModelError
from nimblepose.core.prior import PosePrior, measure_frame

K = 4


@pytest.fixture
def prior():
    rng = np.random.default_rng(3)
    root = rng.normal(size=(2 * K, 2 * K)) / 10
    return PosePrior(rng.normal(size=(K, 2)) / 4, root @ root.T)


def pose(*rows):
    return np.array([rows], np.float32)


NAN = (np.nan, np.nan)


def test_it_is_the_conditional_mean_in_the_frame_of_the_pose(prior):
    xy = pose((3, 4), NAN, (11, 10), (5, 9))
    middle, size = measure_frame(xy)
    np.testing.assert_allclose(middle[0, 0], [19 / 3, 23 / 3], rtol=1e-6)
    assert size[0, 0, 0] == pytest.approx(10)  # 8 by 6
    seen, hidden = [0, 1, 4, 5, 6, 7], [2, 3]
    shift = np.tile(np.eye(2), (K, K)) * 0.5  # the pose as a whole may lie elsewhere
    between = prior.covariance + shift
    own = ((xy - middle) / size).ravel()
    gain = between[np.ix_(hidden, seen)] @ np.linalg.inv(between[np.ix_(seen, seen)] + 5e-4 * np.eye(6))
    expected = prior.mean.ravel()[hidden] + gain @ (own[seen] - prior.mean.ravel()[seen])
    whole = prior.complete(xy)
    np.testing.assert_allclose(whole[0, 1], expected * 10 + middle[0, 0], rtol=1e-3)
    np.testing.assert_array_equal(whole[0, [0, 2, 3]], xy[0, [0, 2, 3]])
    assert np.isnan(xy[0, 1]).all(), "what was given stays as it was"


def test_poses_do_not_disturb_each_other_and_whole_ones_stay(prior):
    one, two = pose((3, 4), NAN, (11, 10), (5, 9)), pose((30, 40), (1, 2), NAN, NAN)
    whole = pose((0, 0), (1, 0), (0, 1), (2, 2))
    together = prior.complete(np.concatenate([one, whole, two]))
    np.testing.assert_allclose(together[[0]], prior.complete(one), rtol=1e-6)
    np.testing.assert_array_equal(together[[1]], whole)
    np.testing.assert_allclose(together[[2]], prior.complete(two), rtol=1e-6)
    assert prior.complete(whole) is whole
    assert prior.complete(np.zeros((0, K, 2), np.float32)).shape == (0, K, 2)


def test_a_pose_that_is_moved_and_enlarged_is_completed_alike(prior):
    xy = pose((3, 4), NAN, (11, 10), NAN)
    np.testing.assert_allclose(prior.complete(xy * 7 + 100), prior.complete(xy) * 7 + 100, rtol=1e-4)


def test_one_keypoint_is_enough_to_answer(prior):
    assert np.isfinite(prior.complete(pose((3, 4), NAN, NAN, NAN))).all()


# Parts of one pose ---------------------------------------------------------------------------------------------------


def log_density(own, prior):
    """Of the coordinates that are there, of a pose in its frame that may be anywhere (variance 0.5 of its place)."""
    there = np.flatnonzero(~np.isnan(own.ravel()))
    spread = prior.covariance + 0.5 * np.tile(np.eye(2), (len(own), len(own))) + 5e-4 * np.eye(own.size)
    spread, off = spread[np.ix_(there, there)], (own - prior.mean).ravel()[there]
    return -(off @ np.linalg.inv(spread) @ off + np.log(np.linalg.det(2 * np.pi * spread))) / 2


def part(xy, kinds):
    return np.where(np.isin(np.arange(len(xy)), kinds)[:, None], xy, np.nan)


def test_two_parts_are_compared_by_their_densities_together_and_alone(prior):
    rng = np.random.default_rng(1)
    keypoints = len(prior.mean)
    ones, others, expected = [], [], []
    for cut in range(1, keypoints):
        xy = prior.mean + rng.normal(0, 0.1, prior.mean.shape)
        kinds = rng.permutation(keypoints)[: max(cut + 1, 2)]
        one, other = part(xy, kinds[:cut]), part(xy, kinds[cut:])
        both = part(xy, kinds)
        middle, size = np.nanmean(both, axis=0), np.linalg.norm(np.nanmax(both, axis=0) - np.nanmin(both, axis=0))
        alone = [log_density((p - middle) / size, prior) for p in (one, other)]
        expected.append(log_density((both - middle) / size, prior) - sum(alone))
        ones.append(one)
        others.append(other)
    found = prior.compare(np.array(ones), np.array(others))
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(prior.compare(np.array(others), np.array(ones)), expected, rtol=1e-6, atol=1e-6)
    moved = (np.array(part) * 7 + 100 for part in (ones, others))
    np.testing.assert_allclose(prior.compare(*moved), expected, rtol=1e-6, atol=1e-6)


def test_of_no_pairs_nothing_is_said(prior):
    assert prior.compare(*np.zeros((2, 0, *prior.mean.shape))).shape == (0,)


def test_distances_are_those_of_poses_drawn_from_the_prior(prior):
    rng = np.random.default_rng(0)
    drawn = rng.multivariate_normal(prior.mean.ravel(), prior.covariance, 20_000).reshape(-1, *prior.mean.shape)
    expected = np.sqrt(((drawn[:, :, None] - drawn[:, None]) ** 2).sum(axis=-1).mean(axis=0))
    np.testing.assert_allclose(prior.distances, np.maximum(expected, 1e-3), rtol=0.03)


def test_there_and_back(prior):
    back = PosePrior.from_dict(prior.to_dict())
    np.testing.assert_allclose(back.mean, prior.mean, rtol=1e-5)
    np.testing.assert_allclose(back.covariance, prior.covariance, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize(
    ("mean", "covariance", "message"),
    [
        (np.zeros((2, 2)), np.eye(3), "covariance"),
        (np.zeros((4, 1)), np.eye(4), "mean"),
        (np.zeros((0, 2)), np.zeros((0, 0)), "mean"),
        (np.zeros((1001, 2)), np.zeros((2002, 2002)), "at most 1000"),
        (np.full((2, 2), np.nan), np.eye(4), "numbers"),
        (np.zeros((2, 2)), np.full((4, 4), np.inf), "numbers"),
        (np.full((2, 2), 1e308), np.eye(4), "numbers"),
        (np.zeros((2, 2)), np.eye(4) * 1e308, "numbers"),
        (np.zeros((2, 2)), -np.eye(4), "below zero"),
        (np.zeros((2, 2)), np.eye(4) + np.eye(4, k=1), "symmetric"),
    ],
    ids=["sizes", "columns", "nobody", "too many", "nan", "infinite", "far", "wide", "negative", "lopsided"],
)
def test_what_is_no_distribution_is_refused(mean, covariance, message):
    with pytest.raises(ModelError, match=message):
        PosePrior(mean, covariance)


@pytest.mark.parametrize(("least", "sound"), [(-0.8e-4, True), (-1.2e-4, False)])
def test_a_covariance_may_be_below_zero_by_rounding_alone(least, sound):
    covariance = np.diag([1, 1, 1, least])
    if sound:
        assert PosePrior(np.zeros((2, 2)), covariance).covariance is covariance
    else:
        with pytest.raises(ModelError, match="below zero"):
            PosePrior(np.zeros((2, 2)), covariance)


def test_numbers_up_to_a_million_are_taken():
    assert PosePrior(np.full((2, 2), -1e6), np.eye(4)).mean[0, 0] == -1e6
    with pytest.raises(ModelError, match="numbers up to 1e"):
        PosePrior(np.full((2, 2), 1.01e6), np.eye(4))


@pytest.mark.parametrize(("aside", "sound"), [(0.8e-4, True), (1.3e-4, False)])
def test_a_covariance_may_be_lopsided_by_rounding_alone(aside, sound):
    covariance = np.eye(4)
    covariance[0, 1] = aside
    if sound:
        assert PosePrior(np.zeros((2, 2)), covariance).covariance is covariance
    else:
        with pytest.raises(ModelError, match="symmetric"):
            PosePrior(np.zeros((2, 2)), covariance)


@pytest.mark.parametrize(
    "value", [{}, {"mean": [[0, 0]]}, {"mean": "x", "covariance": []}, {"mean": [[1], [1, 2]]}, {"mean": [10**400]}]
)
def test_what_is_no_table_is_refused(value):
    with pytest.raises(ModelError):
        PosePrior.from_dict(value)
