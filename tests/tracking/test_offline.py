"""The second pass: nearer to the truth than what was found, without lag; gaps filled, and said so."""

import dataclasses

import numpy as np
import pytest
from tests.tracking.conftest import RATE, poses, standing

from nimblepose.core.errors import PoseError
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import HUMAN_18
from nimblepose.tracking.fitting import Fit, fill_gaps, fit_locally
from nimblepose.tracking.offline import OfflineOptions, smooth_offline

TIMES = np.arange(75) / RATE
WRIST = 4


def waving(times):
    """(F, K, 2): somebody walks at 80 pixels a second and waves once a second."""
    true = np.array([standing((100 + 80 * t, 200)) for t in times])
    true[:, WRIST] += 20 * np.stack([np.sin(2 * np.pi * times), np.cos(2 * np.pi * times)], axis=-1)
    return true


def recording(keypoints, times, *, missing=(), ids=(1,)):
    """Frames of one person; nobody in the frames `missing`."""
    return [
        (t, poses([] if f in missing else [xy], ids=() if f in missing else ids))
        for f, (t, xy) in enumerate(zip(times, keypoints, strict=True))
    ]


# Smoothing ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [25.0, 60.0])
def test_noise_is_halved_and_motion_kept(rate, rng):
    times = np.arange(round(3 * rate)) / rate
    true = waving(times)
    found = true + rng.normal(0, 1, true.shape)
    got = np.array([p.keypoints[0] for p in smooth_offline(recording(found, times))])
    inner = slice(10, -10)
    assert (got - true)[inner].std() < 0.55 * (found - true)[inner].std()
    assert (got - true)[inner, WRIST].std() < 0.65 * (found - true)[inner, WRIST].std()
    lag = ((true - got)[inner, 1, 0]).mean() / 80
    assert abs(lag) < 0.005


def test_frames_at_uneven_times_are_taken_as_they_come(rng):
    times = np.sort(rng.uniform(0, 3, 75))
    true = waving(times)
    found = true + rng.normal(0, 1, true.shape)
    got = np.array([p.keypoints[0] for p in smooth_offline(recording(found, times))])
    assert (got - true).std() < 0.75 * (found - true).std()


def test_a_parabola_is_left_as_it_is():
    true = standing((100, 200)) + (30 * TIMES + 15 * TIMES**2)[:, None, None] * (1, -0.5)
    got = np.array([p.keypoints[0] for p in smooth_offline(recording(true, TIMES))])
    np.testing.assert_allclose(got, true, atol=0.02)


def test_a_single_wild_sighting_does_not_count():
    true = waving(TIMES)
    found = true.copy()
    found[40, 10] += (60, 0)
    got = smooth_offline(recording(found, TIMES))
    np.testing.assert_allclose(got[40].keypoints[0, 10], true[40, 10], atol=2)
    np.testing.assert_allclose(got[41].keypoints[0, 10], true[41, 10], atol=2)


def test_window_zero_leaves_everything_as_it_was(rng):
    found = waving(TIMES) + rng.normal(0, 1, (75, 18, 2))
    got = smooth_offline(recording(found, TIMES), OfflineOptions(window=0))
    np.testing.assert_allclose([p.keypoints[0] for p in got], found, atol=1e-4)


def test_slow_recordings_are_not_bent(rng):
    """At 4 frames a second half a second holds too little: the window grows instead of following the noise."""
    times = np.arange(20) / 4
    true = np.array([standing((100 + 20 * t, 200)) for t in times])
    found = true + rng.normal(0, 1, true.shape)
    got = np.array([p.keypoints[0] for p in smooth_offline(recording(found, times))])
    assert (got - true).std() < 0.9 * (found - true).std()


def test_long_recordings_are_fitted_block_by_block(rng, monkeypatch):
    found = waving(TIMES) + rng.normal(0, 1, (75, 18, 2))
    whole = fit_locally(TIMES, found, window=0.5, size=70)
    monkeypatch.setattr("nimblepose.tracking.fitting._BLOCK", 7)
    parts = fit_locally(TIMES, found, window=0.5, size=70)
    np.testing.assert_allclose(parts.xy, whole.xy, atol=1e-9)


# Gaps -----------------------------------------------------------------------------------------------------------------


def test_somebody_missing_for_a_moment_is_put_in_and_flagged():
    true = waving(TIMES)
    missing = range(30, 37)
    got = smooth_offline(recording(true, TIMES, missing=missing))
    assert [len(p) for p in got] == [1] * 75
    flags = np.array([p.interpolated[0] for p in got])
    assert flags[30:37].all()
    assert flags.sum() == 7 * 18
    still = [k for k in range(18) if k != WRIST]
    error = np.array([got[f].keypoints[0] - true[f] for f in missing])
    assert np.abs(error[:, still]).max() < 1
    assert np.abs(error[:, WRIST]).max() < 12
    assert all(got[f].track_ids.tolist() == [1] for f in missing)
    assert got[33].scores[0] == pytest.approx(0.8)
    assert got[33].keypoint_scores[0] == pytest.approx(0.7)


def test_what_is_missing_for_long_stays_missing():
    got = smooth_offline(recording(waving(TIMES), TIMES, missing=range(20, 40)))
    assert [len(p) for p in got] == [1] * 20 + [0] * 20 + [1] * 35
    assert not any(p.interpolated.any() for p in got)


def test_of_somebody_put_in_only_what_has_two_ends_is_made_up():
    """Missing for a moment, and later for long; the wrist is not found again after the first."""
    found = waving(TIMES)
    found[37:, WRIST] = np.nan
    got = smooth_offline(recording(found, TIMES, missing=[*range(30, 37), *range(45, 65)]))
    assert [len(p) for p in got] == [1] * 45 + [0] * 20 + [1] * 10
    for p in got[30:37]:
        assert np.flatnonzero(~p.interpolated[0]).tolist() == [WRIST]
        assert np.flatnonzero(~p.found[0]).tolist() == [WRIST]


def test_a_keypoint_that_is_missing_at_times():
    found = waving(TIMES)
    found[20:25, WRIST] = np.nan
    found[50:, WRIST] = np.nan  # no end: not made up
    got = smooth_offline(recording(found, TIMES))
    flags = np.array([p.interpolated[0] for p in got])
    assert np.argwhere(flags).tolist() == [[f, WRIST] for f in range(20, 25)]
    assert np.isnan([p.keypoints[0, WRIST] for p in got[50:]]).all()
    assert not np.isnan([p.keypoints[0, WRIST] for p in got[:50]]).any()


def test_scores_of_what_is_filled_in_are_the_lower_of_both_ends():
    frames = recording(waving(TIMES), TIMES, missing=[10])
    frames[9][1].keypoint_scores[:] = 0.3
    frames[11][1].scores[:] = 0.2
    filled = smooth_offline(frames)[10]
    assert filled.keypoint_scores[0] == pytest.approx(0.3)
    assert filled.scores[0] == pytest.approx(0.2)


def test_errors_are_those_of_what_was_seen():
    frames = [
        (t, dataclasses.replace(p, keypoint_errors=np.full((len(p), 18), 1 + f, np.float32)))
        for f, (t, p) in enumerate(recording(waving(TIMES), TIMES, missing=[10]))
    ]
    smoothed = smooth_offline(frames)
    assert np.isnan(smoothed[10].keypoint_errors).all()
    for f in (9, 11):
        np.testing.assert_array_equal(smoothed[f].keypoint_errors, frames[f][1].keypoint_errors)
    assert smooth_offline(recording(waving(TIMES), TIMES))[0].keypoint_errors is None


def test_what_was_filled_in_before_is_still_flagged_when_it_is_smoothed_again():
    frames = recording(waving(TIMES), TIMES, missing=range(30, 37))
    frames[50][1].keypoints[0, WRIST] = np.nan
    once = smooth_offline(frames)
    again = smooth_offline(list(zip(TIMES, once, strict=True)))
    flags = np.array([p.interpolated[0] for p in once])
    assert flags.sum() == 7 * 18 + 1
    np.testing.assert_array_equal([p.interpolated[0] for p in again], flags)


def test_scores_and_places_of_what_was_seen_stay(rng):
    """Two people who come and go; the order within each frame is that given."""
    frames = []
    for f in range(12):
        ids = [
            i for i in ([5, 3] if f % 2 else [3, 5]) if not (i == 5 and f in (0, 1, 4, 5)) and not (i == 3 and f > 8)
        ]
        frame = poses([standing((100 * i + f, 200)) for i in ids], ids=ids, scores=[0.1 * i + 0.01 * f for i in ids])
        frame.keypoint_scores[:] = rng.uniform(0.1, 1, frame.keypoint_scores.shape)
        frames.append((f / RATE, frame))
    got = smooth_offline(frames)
    for f, ((_, given), p) in enumerate(zip(frames, got, strict=True)):
        n = len(given)
        assert p.track_ids.tolist() == [*given.track_ids.tolist(), *([5] if f in (4, 5) else [])]
        np.testing.assert_allclose(p.scores[:n], given.scores)
        np.testing.assert_allclose(p.keypoint_scores[:n], given.keypoint_scores)
        assert not p.interpolated[:n].any()
        assert p.interpolated[n:].all()
    lower = np.minimum(frames[3][1].keypoint_scores[0], frames[6][1].keypoint_scores[1])
    for f in (4, 5):
        np.testing.assert_allclose(got[f].keypoint_scores[1], lower)
        assert got[f].scores[1] == pytest.approx(0.53)


def test_gaps_are_crossed_without_overshoot():
    """However fast a keypoint leaves, on the way to the other side it stays between both."""
    times = np.arange(11) / 10
    xy = np.full((11, 1, 2), np.nan)
    xy[0], xy[10] = (0, 5), (10, 5)
    speed = np.where(np.isnan(xy), np.nan, 500.0)
    filled, _, _ = fill_gaps(times, Fit(xy, speed), max_gap=2)
    assert (np.diff(filled[:, 0, 0]) >= 0).all()
    np.testing.assert_allclose(filled[:, 0, 1], 5)
    assert filled[5, 0, 0] == pytest.approx(5)


# People ---------------------------------------------------------------------------------------------------------------


def test_people_keep_their_places_and_the_filled_in_come_last(rng):
    def both(f):
        people = {1: standing((100, 200)), 2: standing((300, 200))}
        order = [2, 1] if f % 2 else [1, 2]
        order = [2] if f == 5 else order
        return f / RATE, poses([people[i] for i in order], ids=order)

    frames = [both(f) for f in range(10)]
    got = smooth_offline(frames)
    expected = [[2, 1] if f % 2 else [1, 2] for f in range(10)]
    assert [p.track_ids.tolist() for p in got] == expected
    assert got[5].interpolated.any(axis=1).tolist() == [False, True]
    for p in got:
        places = {i: p.keypoints[n, 1, 0] for n, i in enumerate(p.track_ids.tolist())}
        assert places == pytest.approx({1: 100, 2: 300}, abs=0.01)


def test_frames_given_are_left_alone(rng):
    frames = recording(waving(TIMES), TIMES, missing=[3])
    before = [p.keypoints.copy() for _, p in frames]
    smooth_offline(frames)
    for (_, p), kept in zip(frames, before, strict=True):
        np.testing.assert_array_equal(p.keypoints, kept)
        assert p.interpolated is None


@pytest.mark.parametrize("count", [1, 2, 3])
def test_recordings_of_a_few_frames(count):
    true = waving(TIMES[:count])
    got = smooth_offline(recording(true, TIMES[:count]))
    assert len(got) == count
    for p, xy in zip(got, true, strict=True):
        np.testing.assert_allclose(p.keypoints[0], xy, atol=0.5)


def test_nobody_and_people_without_keypoints():
    assert smooth_offline([]) == []
    nobody = [(t, Poses.empty(HUMAN_18)) for t in TIMES[:5]]
    assert [len(p) for p in smooth_offline(nobody)] == [0] * 5
    blank = recording(np.full((5, 18, 2), np.nan), TIMES[:5])
    assert [p.found.any() for p in smooth_offline(blank)] == [False] * 5


# Refused --------------------------------------------------------------------------------------------------------------


def test_people_need_identities_and_frames_their_order():
    with pytest.raises(PoseError, match="Tracker"):
        smooth_offline([(0.0, poses([standing((0, 0))]))])
    with pytest.raises(PoseError, match="order"):
        smooth_offline(recording(waving(TIMES[:2]), [0.1, 0.1]))


@pytest.mark.parametrize("name", ["window", "max_gap"])
@pytest.mark.parametrize("value", [np.inf, np.nan, -0.1])
def test_options_out_of_range_are_named(name, value):
    with pytest.raises(PoseError, match=name):
        OfflineOptions(**{name: value})
    OfflineOptions(**{name: 0})
