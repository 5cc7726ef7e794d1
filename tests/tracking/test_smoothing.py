"""Keypoints at rest stand still, keypoints in motion do not lag, by the clock and at any resolution."""

import dataclasses

import numpy as np
import pytest
from tests.tracking.conftest import RATE, poses, standing

from nimblepose.core.errors import PoseError
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import HUMAN_18
from nimblepose.tracking.smoothing import OneEuroSmoother, SmoothOptions

METRE = 150 / 1.7  # pixels of somebody who is 1.7 m and 150 pixels high


def smoothed(frames, times, ids=(1,), options=None):
    """(F, N, K, 2) keypoints after the filter."""
    smoother = OneEuroSmoother(options or SmoothOptions())
    return np.array(
        [smoother.update(poses(people, ids=ids), t).keypoints for people, t in zip(frames, times, strict=True)]
    )


def clock(seconds, rate=RATE):
    return np.arange(round(seconds * rate)) / rate


# Rest and motion ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [25.0, 30.0, 60.0])
def test_jitter_at_rest_is_less_than_half(rate, rng):
    times = clock(8, rate)
    raw = standing((100, 200)) + rng.normal(0, 1, (len(times), 1, 18, 2))
    steady = smoothed(raw, times)
    late = times > 1
    assert steady[late].std(axis=0).mean() < 0.5 * raw[late].std(axis=0).mean()
    np.testing.assert_allclose(steady[late].mean(axis=0), raw[late].mean(axis=0), atol=0.15)


@pytest.mark.parametrize("rate", [10.0, 25.0, 60.0])
def test_motion_of_a_metre_a_second_lags_less_than_40_ms(rate, rng):
    times = clock(4, rate)
    true = standing((100, 200)) + METRE * times[:, None, None, None] * (1, 0)
    steady = smoothed(true + rng.normal(0, 1, true.shape), times)
    lag = (true - steady)[times > 1, ..., 0].mean() / METRE
    assert -0.001 < lag < 0.040


def with_errors(frames, times, errors):
    """The same of one person whose keypoints are expected to be off by so many pixels, (K,)."""
    smoother = OneEuroSmoother()
    given = [dataclasses.replace(poses(p, ids=(1,)), keypoint_errors=np.float32([errors])) for p in frames]
    return np.array([smoother.update(p, t).keypoints for p, t in zip(given, times, strict=True)])


def test_what_is_expected_to_be_far_off_is_steadier(rng):
    times = clock(8)
    raw = standing((100, 200)) + rng.normal(0, 1, (len(times), 1, 18, 2))
    jitter = [
        with_errors(raw, times, np.full(18, error))[times > 1].std(axis=0).mean() for error in (0.2, 2.0, 8.0, np.nan)
    ]
    assert jitter[2] < 0.8 * jitter[1] < 0.8 * 0.8 * jitter[0]
    assert jitter[1] == pytest.approx(jitter[3], rel=0.2)  # 2 pixels are about usual for a body of this size
    mixed = with_errors(raw, times, np.where(np.arange(18) < 9, 0.2, 8.0))[times > 1].std(axis=0)[0]
    assert mixed[9:].mean() < 0.8 * mixed[:9].mean()


def test_what_is_expected_to_be_far_off_keeps_up_with_a_metre_a_second(rng):
    times = clock(6)
    true = np.array([standing((50 + METRE * t, 200)) for t in times])[:, None]
    steady = with_errors(true + rng.normal(0, 1, true.shape), times, np.full(18, 6.0))
    assert np.nanmean((true - steady)[times > 2, ..., 0]) / METRE < 0.04


def test_what_starts_to_move_is_followed_in_time(rng):
    """A hand at rest that suddenly moves at 1 m/s is soon not further behind than 40 ms of its way."""
    times = clock(4)
    way = METRE * np.maximum(times - 2, 0)
    true = np.repeat(standing((100, 200))[None, None], len(times), axis=0)
    true[:, 0, 4, 0] += way
    steady = smoothed(true + rng.normal(0, 0.5, true.shape), times)
    behind = (true - steady)[:, 0, 4, 0] / METRE
    assert behind.max() < 0.1
    assert behind[times > 2.6].mean() < 0.040


def test_rest_stays_exactly_where_it_is():
    still = np.repeat(standing((100, 200))[None, None], 20, axis=0)
    np.testing.assert_allclose(smoothed(still, clock(0.8)), still, atol=1e-4)


# Time and size --------------------------------------------------------------------------------------------------------


def test_the_clock_counts_not_the_frames(rng):
    """A step is followed as far in equal time, however many frames come in between."""
    start, end = standing((100, 200))[None], standing((102, 200))[None]
    options = SmoothOptions(min_cutoff=1.0, beta=3.0)

    def after_a_step(times):
        return smoothed([start] + [end] * (len(times) - 1), times, options=options)[-1] - start

    few, many = after_a_step(np.array([0, 0.04, 0.2])), after_a_step(np.concatenate([[0], np.arange(1, 21) / 100]))
    np.testing.assert_allclose(few, many, atol=0.35)
    uneven = np.array([0, 0.001, 0.1, 0.101, 0.2])
    np.testing.assert_allclose(after_a_step(uneven), many, atol=0.35)


@pytest.mark.parametrize("factor", [0.1, 12.0])
def test_resolution_does_not_matter(factor, rng):
    times = clock(2)
    frames = np.array([[standing((100 + 40 * t, 200))] for t in times])
    frames += rng.normal(0, 1, frames.shape)
    np.testing.assert_allclose(smoothed(factor * frames, times) / factor, smoothed(frames, times), atol=1e-2)


# People ---------------------------------------------------------------------------------------------------------------


def test_everybody_is_filtered_alone_in_any_order(rng):
    times = clock(1)
    frames = standing((0, 200)) + np.array([100, 300, 500])[:, None, None] * (1, 0)
    frames = frames + rng.normal(0, 1, (len(times), 3, 18, 2))
    alone = [smoothed(frames[:, i : i + 1], times, ids=(i + 1,)) for i in range(3)]
    smoother = OneEuroSmoother()
    for f, t in enumerate(times):
        order = rng.permutation(3)
        got = smoother.update(poses(frames[f][order], ids=order + 1), t)
        assert got.track_ids.tolist() == (order + 1).tolist()
        for place, i in enumerate(order):
            np.testing.assert_allclose(got.keypoints[place], alone[i][f, 0], atol=1e-4)


def test_who_was_away_starts_anew():
    """A filter that went on would be a tenth of the way behind."""
    near = standing((103, 200))
    smoother = OneEuroSmoother()
    for t in clock(1):
        smoother.update(poses([standing((100, 200))], ids=[1]), t)
    for t in (1.1, 1.2, 1.3):
        smoother.update(Poses.empty(HUMAN_18), t)
    got = smoother.update(poses([near], ids=[1]), 1.35)
    np.testing.assert_allclose(got.keypoints[0], near, atol=1e-4)


def test_a_keypoint_that_was_missing_starts_anew_and_is_never_invented():
    smoother = OneEuroSmoother()
    person = standing((100, 200))
    smoother.update(poses([person], ids=[1]), 0.0)
    without = person.copy()
    without[4] = np.nan
    for t in (0.1, 0.2, 0.3):
        assert np.isnan(smoother.update(poses([without], ids=[1]), t).keypoints[0, 4]).all()
    moved = person.copy()
    moved[4] += 3
    got = smoother.update(poses([moved], ids=[1]), 0.35)
    np.testing.assert_allclose(got.keypoints[0, 4], moved[4], atol=1e-4)


def test_what_starts_anew_does_so_at_rest(rng):
    """An arm that was swung before it was hidden is steadied like one that was never seen before."""
    hip = HUMAN_18.keypoints.index("left_hip")  # inside of the body, whose size is the same without it
    frames = standing((100, 200)) + rng.normal(0, 1, (50, 18, 2))
    frames[:20, hip, 0] += 0.4 * np.arange(20)
    frames[20:30, hip] = np.nan
    never = frames.copy()
    never[:20, hip] = np.nan
    swung, at_rest = (smoothed(f[:, None], clock(2))[30:, 0, hip] for f in (frames, never))
    np.testing.assert_array_equal(swung, at_rest)


def test_a_step_is_followed_as_the_formula_says():
    """Casiez, Roussel and Vogel's filter, in body sizes: 0.45 of the diagonal of the box around the keypoints."""
    person = standing((100, 200))
    size = 0.45 * np.hypot(*np.ptp(person, axis=0))
    moved = person + np.array((6, 0))
    got = smoothed([[person], [moved], [moved]], [0.0, 0.05, 0.08])[:, 0, 1, 0] - person[1, 0]
    x = velocity = 0.0
    for elapsed, number in ((0.05, 1), (0.03, 2)):
        velocity += (1 - np.exp(-2 * np.pi * 1.0 * elapsed)) * ((6 - x) / elapsed - velocity)
        x += (1 - np.exp(-2 * np.pi * (0.7 + 2.5 * abs(velocity) / size) * elapsed)) * (6 - x)
        assert got[number] == pytest.approx(x, abs=1e-4)
    assert 1 < got[1] < got[2] < 5


@pytest.mark.parametrize("seconds", [0.4, 2.0])
def test_a_body_of_which_a_part_is_seen_is_as_large_as_it_was(seconds):
    """What it was counts for a third after two seconds; a head alone would take a small motion for a large one."""
    person, other = standing((100, 200)), standing((300, 200))
    head = person.copy()
    head[[k for k, name in enumerate(HUMAN_18.keypoints) if name.split("_")[-1] not in ("nose", "eye", "ear")]] = np.nan
    smoother, gap = OneEuroSmoother(), 0.2
    for t in clock(1 + seconds):
        smoother.update(poses([other, person if t < 1 else head], ids=[2, 1]), t)
    for passed in (0.05, 0.15):
        smoother.update(poses([other], ids=[2]), t + passed)
    seen = smoother.update(poses([other, head + np.array((2, 0))], ids=[2, 1]), t + gap)
    got = seen.keypoints[1, 0, 0] - person[0, 0]
    size = 0.45 * np.hypot(*np.ptp(person, axis=0)) * np.exp(-(seconds + gap) / 2)
    velocity = (1 - np.exp(-2 * np.pi * gap)) * 2 / gap
    gain = 1 - np.exp(-2 * np.pi * (0.7 + 2.5 * velocity / size) * gap)
    assert got == pytest.approx(2 * gain, abs=1e-3)


def test_a_keypoint_missing_for_a_frame_goes_on(rng):
    smoother = OneEuroSmoother()
    person, without = standing((100, 200)), standing((100, 200))
    without[4] = np.nan
    for t in clock(1):
        smoother.update(poses([person], ids=[1]), t)
    smoother.update(poses([without], ids=[1]), 1.0)
    moved = person.copy()
    moved[4] += 3
    got = smoother.update(poses([moved], ids=[1]), 1.04).keypoints[0, 4] - person[4]
    assert (got < 2).all()


def test_scores_and_everything_else_stay(rng):
    given = poses([standing((100, 200))], ids=[3])
    got = OneEuroSmoother().update(given, 0.0)
    np.testing.assert_array_equal(got.keypoint_scores, given.keypoint_scores)
    np.testing.assert_array_equal(got.scores, given.scores)
    assert got.track_ids.tolist() == [3]


def test_memory_does_not_grow():
    smoother = OneEuroSmoother()
    for f in range(300):
        smoother.update(poses([standing((100, 200))], ids=[f + 1]), f / RATE)
    assert len(smoother._state.ids) <= SmoothOptions().max_gap * RATE + 2
    two = poses([standing((100, 200)), standing((300, 200))], ids=[1000, 1001])
    for f in range(300, 320):
        smoother.update(two, f / RATE)
    assert sorted(smoother._state.ids) == [1000, 1001]


# Refused --------------------------------------------------------------------------------------------------------------


def test_people_need_identities_but_nobody_does_not():
    with pytest.raises(PoseError, match="Tracker"):
        OneEuroSmoother().update(poses([standing((0, 0))]), 0.0)
    assert len(OneEuroSmoother().update(Poses.empty(HUMAN_18), 0.0)) == 0


@pytest.mark.parametrize("time", [0.9, np.nan, np.inf])
def test_time_runs_forward_until_reset(time):
    smoother = OneEuroSmoother()
    smoother.update(poses([standing((0, 0))], ids=[1]), 1.0)
    smoother.update(poses([standing((0, 0))], ids=[1]), 1.0)
    with pytest.raises(PoseError, match=r"reset\(\)"):
        smoother.update(poses([], ids=[]), time)
    smoother.reset()
    smoother.update(poses([standing((0, 0))], ids=[1]), 0.0)


@pytest.mark.parametrize("name", ["min_cutoff", "beta", "speed_cutoff", "error_speed", "max_gap"])
@pytest.mark.parametrize("value", [np.inf, np.nan, -1.0])
def test_options_out_of_range_are_named(name, value):
    with pytest.raises(PoseError, match=name):
        SmoothOptions(**{name: value})
    SmoothOptions(**{name: 0})
