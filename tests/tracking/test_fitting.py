"""Curves are those of the books: local regression (Cleveland, 1979) and cubic Hermite splines without overshoot."""

import numpy as np
import pytest
from scipy.interpolate import CubicHermiteSpline

from nimblepose.tracking.fitting import Fit, fill_gaps, fit_locally

SIZE = 50.0


def fit_one_by_one(times, x, *, half, size):
    """Values and slopes (F,) of one coordinate, twice: outliers lose their weight in the second round."""
    stiff = 0.01 * np.eye(3)[1:]  # 1e-4 against slope and bend, in half windows
    trust = (~np.isnan(x)).astype(float)
    for _ in range(2):
        value, slope = np.full(len(times), np.nan), np.full(len(times), np.nan)
        for f in np.flatnonzero(~np.isnan(x)):
            away = (times - times[f]) / half
            weight = np.sqrt(np.clip(1 - np.abs(away) ** 3, 0, 1) ** 3 * trust)
            rows = np.concatenate([np.stack([away**0, away, away**2], axis=1) * weight[:, None], stiff])
            wanted = np.concatenate([np.nan_to_num(x) * weight, [0, 0]])
            value[f], slope[f], _ = np.linalg.lstsq(rows, wanted, rcond=None)[0]
        residual = np.nan_to_num(np.abs(value - x))
        limit = max(0.06 * size, 6 * np.median(residual[~np.isnan(x)]))
        trust = np.where(np.isnan(x), 0, np.clip(1 - (residual / limit) ** 2, 0, 1) ** 2)
    return value, slope / half


@pytest.mark.parametrize(
    ("times", "window", "half"),
    [
        (np.arange(40) / 25, 0.5, 0.25),
        (np.cumsum(np.resize([0.02, 0.05, 0.04], 40)), 0.4, 0.2),
        (np.arange(20) / 4.0, 0.5, 2.5 / 4),  # two and a half frames to each side at least
    ],
)
@pytest.mark.parametrize("noise", [0.3, 3.0])
def test_parity_with_local_regression(rng, times, window, half, noise):
    """With little noise the size says what an outlier is, with much of it the other sightings."""
    x = 20 * np.sin(2 * times) + rng.normal(0, noise, len(times))
    x[[5, 6]] = np.nan
    x[12] += 8
    xy = np.stack([x, np.where(np.isnan(x), np.nan, 100.0)], axis=-1)[:, None]  # residuals along one axis
    got = fit_locally(times, xy, window=window, size=SIZE)
    value, slope = fit_one_by_one(times, x, half=half, size=SIZE)
    np.testing.assert_allclose(got.xy[:, 0, 0], value, atol=1e-6)
    np.testing.assert_allclose(got.velocity[:, 0, 0], slope, atol=1e-5)
    np.testing.assert_allclose(got.xy[:, 0, 1], np.where(np.isnan(x), np.nan, 100), rtol=1e-6)


@pytest.mark.filterwarnings("error")
def test_each_keypoint_has_its_own_outliers(rng):
    """One that is never found, or that is noisy, changes nothing for the others."""
    times = np.arange(30) / 25
    xy = rng.normal(0, (0.3, 5.0, 0.3), (2, 30, 3)).transpose(1, 2, 0)
    xy[:, 2] = np.nan
    got = fit_locally(times, xy, window=0.5, size=SIZE)
    for k in (0, 1):
        alone = fit_locally(times, xy[:, [k]], window=0.5, size=SIZE)
        np.testing.assert_allclose(got.xy[:, k], alone.xy[:, 0], atol=1e-9)
    assert np.isnan(got.xy[:, 2]).all()


def test_one_sighting_alone_is_left_where_it_is_and_stands_still():
    got = fit_locally(np.array([0.0, 5.0]), np.array([[[3.0, 4.0]], [[7.0, 8.0]]]), window=0.5, size=SIZE)
    one = fit_locally(np.array([2.0]), np.array([[[3.0, 4.0]]]), window=0.5, size=SIZE)
    np.testing.assert_allclose(one.xy, [[[3, 4]]], rtol=1e-9)
    np.testing.assert_allclose(one.velocity, 0, atol=1e-9)
    np.testing.assert_allclose(got.xy[:, 0], [[3, 4], [7, 8]], atol=0.01)


@pytest.mark.parametrize(("leaving", "arriving"), [(3.0, 8.0), (0.0, 100.0), (-5.0, 4.0), (0.1, 0.05)])
def test_a_gap_is_crossed_by_a_hermite_spline_whose_tangents_are_at_most_three_times_the_slope(leaving, arriving):
    times = np.array([0.0, 0.1, 0.3, 0.4, 0.9, 1.0])
    xy = np.full((6, 2, 2), np.nan)
    xy[[0, 5], 0], xy[:, 1] = [(2, 7), (10, -1)], 5.0
    velocity = np.zeros_like(xy)
    velocity[0, 0], velocity[5, 0] = (leaving, -leaving), (arriving, -arriving)
    filled, before, after = fill_gaps(times, Fit(xy, velocity), max_gap=1.0)
    tangents = np.clip([leaving, arriving], 0, 3 * 8)
    expected = CubicHermiteSpline([0, 1], [2, 10], tangents)(times)
    np.testing.assert_allclose(filled[:, 0, 0], expected)
    np.testing.assert_allclose(filled[:, 0, 1], 9 - expected)
    np.testing.assert_array_equal(filled[:, 1], 5)
    assert before[:, 0].tolist() == [0, 0, 0, 0, 0, 5]
    assert after[:, 0].tolist() == [0, 5, 5, 5, 5, 5]
    assert before[:, 1].tolist() == after[:, 1].tolist() == list(range(6))


def test_gaps_longer_than_allowed_and_open_ends_stay():
    times = np.arange(8) / 10
    xy = np.full((8, 1, 2), np.nan)
    xy[[1, 3, 6], 0] = [(0, 0), (2, 2), (9, 9)]
    filled, _, _ = fill_gaps(times, Fit(xy, np.zeros_like(xy)), max_gap=0.2)
    assert np.flatnonzero(~np.isnan(filled[:, 0, 0])).tolist() == [1, 2, 3, 6]
    np.testing.assert_allclose(filled[2, 0], 1)
