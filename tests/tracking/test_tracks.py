"""What is remembered of people follows the books: a Kalman filter, OKS, Gaussians; figures are those of the docs."""

import dataclasses

import numpy as np
import pytest
from tests.tracking.conftest import poses, standing

from nimblepose.core.oks import compute_oks
from nimblepose.core.skeleton import HUMAN_18
from nimblepose.tracking.tracks import measure_sizes, start_tracks

PERSON = standing((100, 200))
SIZE = 0.45 * np.hypot(*np.ptp(PERSON, axis=0))  # of a body, from the diagonal of its box
SIGMAS = np.asarray(HUMAN_18.oks_sigmas)


def begin(*people, time=1.0, **changes):
    """Tracks of people seen for the first time."""
    return dataclasses.replace(start_tracks(poses(people or [PERSON]), time), **changes)


def dress(people, colours):
    """People (N, K, 2), limb by limb in the colours given, (N, L, 3) or fewer axes."""
    limbs = np.broadcast_to(np.float32(colours), (len(people), len(HUMAN_18.limbs), 3)).copy()
    return dataclasses.replace(poses(people), limb_colours=limbs)


# Sizes and beginnings -------------------------------------------------------------------------------------------------


def test_the_size_of_a_body_is_that_of_its_box_and_never_nothing():
    part = PERSON.copy()
    part[5:] = np.nan
    sizes = measure_sizes(np.array([PERSON, 3 * PERSON, part, np.full((18, 2), 7.0), np.full((18, 2), np.nan)]))
    np.testing.assert_allclose(sizes[:2], [SIZE, 3 * SIZE])
    assert sizes[2] == pytest.approx(0.45 * np.hypot(*np.ptp(PERSON[:5], axis=0)))
    np.testing.assert_allclose(sizes[3:], 4)


def test_of_somebody_new_the_place_is_known_and_the_speed_is_not():
    half = PERSON.copy()
    half[9:] = np.nan
    tracks = begin(PERSON, half, time=3.0)
    assert tracks.ids.tolist() == [0, 0]
    assert tracks.sightings.tolist() == [1, 1]
    np.testing.assert_array_equal(tracks.times, 3)
    np.testing.assert_array_equal(tracks.velocity, 0)
    np.testing.assert_allclose(tracks.covariance[0], np.diag([(0.05 * SIZE) ** 2, (1.5 * SIZE) ** 2]))
    np.testing.assert_allclose(tracks.covariance[1], np.diag([0.05**2, 1.5**2 * 2]) * tracks.sizes[1] ** 2)
    np.testing.assert_array_equal(np.isnan(tracks.xy[1, :, 0]), [False] * 9 + [True] * 9)
    np.testing.assert_array_equal(tracks.keypoint_times[1], [3] * 9 + [-np.inf] * 9)
    assert np.isnan(tracks.colours).all()


# Where they should be -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gap", [0.04, 1.0, 3.0])
def test_motion_dies_away_and_uncertainty_grows(gap):
    """Constant velocity with white acceleration, as in any book; the speed goes with e^-t/4."""
    covariance = np.array([[[9.0, 5.0], [5.0, 400.0]]])
    before = begin(velocity=np.array([[80.0, -10.0]]), covariance=covariance)
    after = before.predict(1 + gap)
    slowed = np.exp(-gap / 4)
    way = 4 * (1 - slowed)
    np.testing.assert_allclose(after.xy[0], PERSON + np.array([80, -10]) * way, rtol=1e-5)
    np.testing.assert_allclose(after.velocity[0], np.array([80, -10]) * slowed)
    step = np.array([[1, way], [0, slowed]])
    noise = (1.5 * SIZE) ** 2 * np.array([[gap**3 / 3, gap**2 / 2], [gap**2 / 2, gap]])
    np.testing.assert_allclose(after.covariance[0], step @ covariance[0] @ step.T + noise)
    np.testing.assert_array_equal(after.times, 1)


def test_whoever_is_where_nobody_knows_is_less_certain():
    sure = begin(PERSON, PERSON, covariance=np.array([np.zeros((2, 2)), np.diag([3 * (0.16 * SIZE) ** 2, 1])]))
    np.testing.assert_allclose(sure.compute_certainty(), [1, 0.5])


# Likeness -------------------------------------------------------------------------------------------------------------


def test_likeness_is_oks_where_the_place_is_sure(rng):
    found = poses(PERSON + rng.normal(0, 4, (3, 18, 2)))
    tracks = begin(PERSON, PERSON + 10, covariance=np.zeros((2, 2, 2)))
    expected = compute_oks(
        found.keypoints, np.array([PERSON, PERSON + 10]), oks_sigmas=SIGMAS, area=np.full(2, SIZE**2)
    ).T
    np.testing.assert_allclose(tracks.compare(found), expected, atol=1e-5)


def test_where_the_place_is_not_sure_more_is_alike():
    variance = 30.0
    tracks = begin(covariance=np.diag([variance, 1.0])[None])
    expected = np.exp(-0.5 * 50 / ((2 * SIGMAS * SIZE) ** 2 + variance)).mean()
    np.testing.assert_allclose(tracks.compare(poses([PERSON + 5])), expected, atol=1e-5)


def test_keypoints_count_by_how_surely_and_how_lately_they_were_found():
    """What was last seen 0.7 s ago counts for a third; what either lacks does not count."""
    times = np.full((1, 18), 1.0)
    times[0, :9], times[0, 17] = 0.3, -np.inf
    tracks = begin(covariance=np.zeros((1, 2, 2)), keypoint_times=times)
    tracks.xy[0, 17] = np.nan
    off = PERSON.copy()
    off[9:] += 900
    off[0] = np.nan
    found = poses([off])
    found.keypoint_scores[0, 1:9] = 0.2
    expected = 8 * 0.2 * np.exp(-1) / (8 * 0.2 * np.exp(-1) + 8 * 0.7)
    np.testing.assert_allclose(tracks.compare(found), [[expected]], rtol=1e-4)


def test_clothes_are_compared_limb_by_limb_as_logarithms():
    worn = np.full((1, 19, 3), 80.0)
    tracks = start_tracks(dress([PERSON], worn), 0.0)
    seen = worn.copy()
    seen[0, 0, 0], seen[0, 1, 2] = 100 * np.exp([0.25, -0.25]) - 20  # once the tolerance
    seen[0, 2, 1] = 255  # counts as twice the tolerance, not more
    seen[0, 3:] = np.nan
    people = dress([PERSON], seen)
    rows = np.zeros(1, np.intp)
    expected = np.exp(-0.5 * (1 + 1 + 4) / 9)
    np.testing.assert_allclose(tracks.compare_colours(people, rows, rows), expected, rtol=1e-5)
    usual = np.exp(-0.5)
    np.testing.assert_allclose(tracks.compare_colours(poses([PERSON]), rows, rows), usual)
    np.testing.assert_allclose(tracks.compare_colours(dress([PERSON], np.nan), rows, rows), usual)
    np.testing.assert_allclose(begin().compare_colours(people, rows, rows), usual)


# Found again ----------------------------------------------------------------------------------------------------------


def test_a_body_that_has_moved_is_followed_as_a_kalman_filter_does():
    covariance, shift = np.array([[60.0, 40.0], [40.0, 900.0]]), np.array([6.0, -2.0])
    before = begin(covariance=covariance[None], velocity=np.array([[30.0, 0.0]]))
    after = before.update(poses([PERSON + shift]), 2.0, np.zeros(1))
    gain = covariance @ [1, 0] / (covariance[0, 0] + (0.05 * SIZE) ** 2)
    np.testing.assert_allclose(after.xy[0], PERSON + gain[0] * shift, atol=1e-4)
    np.testing.assert_allclose(after.velocity[0], np.array([30, 0]) + gain[1] * shift, atol=1e-3)
    np.testing.assert_allclose(after.covariance[0], (np.eye(2) - np.outer(gain, [1, 0])) @ covariance, atol=1e-6)
    assert (after.times.tolist(), after.sightings.tolist(), after.ids.tolist()) == ([2.0], [2], [0])
    np.testing.assert_array_equal(after.keypoint_times, 2)
    np.testing.assert_allclose(after.sizes, SIZE, rtol=1e-6)


def test_limbs_follow_half_way_and_what_is_missing_goes_with_the_body():
    swung = PERSON + np.array((4.0, 0.0))
    swung[4] += (0, 10)
    swung[5] = np.nan
    before = begin(covariance=np.diag([1e12, 1.0])[None])  # the find is believed
    before.xy[0, 6] = np.nan
    after = before.update(poses([swung]), 2.0, np.zeros(1))
    expected = PERSON + np.array((4.0, 0.0))
    expected[4] += (0, 5)
    np.testing.assert_allclose(after.xy[0], expected, atol=1e-3)
    assert after.keypoint_times[0].tolist() == [1.0 if k == 5 else 2.0 for k in range(18)]


def test_a_body_that_is_torn_apart_says_less_about_its_place():
    """Every keypoint lies 5 pixels off, half to the left, half to the right: the error is that much larger."""
    torn = PERSON + np.where(np.arange(18) % 2, 5.0, -5.0)[:, None] * (1, 0)
    torn[0] = np.nan  # nine to the right, eight to the left: the middle is to the right
    covariance = np.diag([50.0, 1.0])
    after = begin(covariance=covariance[None]).update(poses([torn]), 2.0, np.zeros(1))
    kept = 50 * (1 - 50 / (50 + (0.05 * SIZE) ** 2))
    assert after.covariance[0, 0, 0] == pytest.approx(kept, rel=1e-5), "more than half agree"
    torn[1] = np.nan
    after = begin(covariance=covariance[None]).update(poses([torn]), 2.0, np.zeros(1))
    assert after.covariance[0, 0, 0] == pytest.approx(50 * (1 - 50 / (50 + (0.05 * SIZE) ** 2 + 25)), rel=1e-5)


def test_where_somebody_else_is_near_a_find_says_less_of_place_and_shape():
    """Poses of people who overlap get mixed: likeness to another counts like an error of half a body."""
    covariance = np.array([[60.0, 40.0], [40.0, 900.0]])
    swung = PERSON + np.array((6.0, 0.0))
    swung[4] += (0, 10)
    before = begin(PERSON, PERSON, PERSON, covariance=np.repeat(covariance[None], 3, axis=0))
    likeness = np.array([0.0, 0.2, 1.0])
    after = before.update(poses([swung] * 3), 2.0, likeness)
    gain = covariance[:, 0] / (60 + (0.05 * SIZE) ** 2 + (0.5 * SIZE * likeness[:, None]) ** 2)
    np.testing.assert_allclose(
        after.xy[:, 4], PERSON[4] + np.stack([6 * gain[:, 0], 5 * (1 - likeness)], -1), atol=1e-4
    )
    np.testing.assert_allclose(after.velocity[:, 0], 6 * gain[:, 1], atol=1e-4)


def test_colours_are_remembered_as_a_slow_mean_of_what_was_seen():
    tracks = start_tracks(dress([PERSON], 80.0), 0.0)
    seen = np.full((1, 19, 3), 180.0)
    seen[0, 0] = np.nan
    after = tracks.update(dress([PERSON], seen), 1.0, np.zeros(1)).colours[0]
    np.testing.assert_allclose(after[0], np.log(100), rtol=1e-5)
    np.testing.assert_allclose(after[1:], np.log(100) + 0.1 * np.log(2), rtol=1e-5)
    unknown = begin().update(dress([PERSON], 80.0), 1.0, np.zeros(1)).colours
    np.testing.assert_allclose(unknown, np.log(100), rtol=1e-5)
    np.testing.assert_array_equal(tracks.update(poses([PERSON]), 1.0, np.zeros(1)).colours, tracks.colours)


def test_one_keypoint_alone_says_where_somebody_is_and_how_fast_they_may_be():
    one = np.full((18, 2), np.nan)
    one[1] = PERSON[1]
    tracks = begin(one)
    np.testing.assert_allclose(tracks.covariance[0], np.diag([(0.05 * 4) ** 2, 18 * (1.5 * 4) ** 2]))
    unsure = dataclasses.replace(tracks, covariance=np.diag([1e12, 1.0])[None])
    after = unsure.update(poses([one + 1.0]), 2.0, np.zeros(1))
    np.testing.assert_allclose(after.xy[0, 1], PERSON[1] + 1, rtol=1e-6)


def test_nobody_who_was_found_has_no_keypoint_and_no_motion():
    blank = np.full((18, 2), np.nan)
    after = begin().update(poses([blank]), 2.0, np.zeros(1))
    np.testing.assert_allclose(after.xy[0], PERSON, rtol=1e-6)
    np.testing.assert_array_equal(after.velocity, 0)
    assert not begin(blank).compare(poses([PERSON])).any()
