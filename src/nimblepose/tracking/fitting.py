"""Curves through sightings at any times: smoothing by local parabolas, and the way across a gap."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nimblepose.tracking.tracks import Floats

_LEAST_SAMPLES = 2.5  # frames to each side that a window holds at least, however slow the frames come
_STIFFNESS = 1e-4  # resistance to slope and bend where there are too few sightings to tell
_OUTLIER = 6.0  # typical residuals beyond which a sighting does not count (Cleveland, 1979)
_BLOCK = 4096  # frames fitted at once: bounds the memory that an hour of video takes
_OUTLIER_SIZE = 0.06  # body sizes within which a sighting always counts: quick motion is no mistake


@dataclass(frozen=True)
class Fit:
    """Smoothed places and motion where there was a sighting, NaN elsewhere."""

    xy: Floats  # (F, K, 2) pixels
    velocity: Floats  # (F, K, 2) pixels per second


def fit_locally(times: Floats, xy: Floats, *, window: float, size: float) -> Fit:
    """Fit a parabola around each sighting and take its value and slope there; outliers do not count.

    Args:
        times: (F,) seconds, growing.
        xy: (F, K, 2) sightings in pixels, NaN where there is none.
        window: Seconds of sightings that count for each, half before and half after.
        size: Of the body, in pixels.
    """
    found = ~np.isnan(xy[..., 0])
    step = float(np.median(np.diff(times))) if len(times) > 1 else 1.0
    half = max(window / 2, _LEAST_SAMPLES * step)
    trust = found.astype(np.float64)
    fit = _fit_weighted(times, xy, trust, half)
    residual = np.where(found, np.hypot(*np.moveaxis(fit.xy - np.nan_to_num(xy), -1, 0)), np.nan)
    some = found.any(axis=0)
    limit = np.full(xy.shape[1], _OUTLIER_SIZE * size)
    limit[some] = np.maximum(limit[some], _OUTLIER * np.nanmedian(residual[:, some], axis=0))
    trust = np.where(found, np.maximum(1 - (np.nan_to_num(residual) / limit) ** 2, 0) ** 2, 0.0)
    fit = _fit_weighted(times, xy, trust, half)
    hidden = ~found[..., None]
    return Fit(np.where(hidden, np.nan, fit.xy), np.where(hidden, np.nan, fit.velocity))


def _fit_weighted(times: Floats, xy: Floats, trust: Floats, half: float) -> Fit:
    """Parabolas by weighted least squares: trust (F, K) times nearness, 0 beyond `half` seconds."""
    count = len(times)
    reach = int(np.max(np.searchsorted(times, times + half) - np.arange(count)))
    values = np.nan_to_num(xy) * trust[..., None]
    place, velocity = np.empty_like(xy), np.empty_like(xy)
    for start in range(0, count, _BLOCK):
        block = slice(start, start + _BLOCK)
        near = np.arange(count)[block, None] + np.arange(-reach, reach + 1)  # (B, W)
        inside = (near >= 0) & (near < count)
        near = np.clip(near, 0, count - 1)
        away = (times[near] - times[block, None]) / half  # (B, W) in [-1, 1] where it counts
        nearness = np.where(inside, np.maximum(1 - np.abs(away) ** 3, 0) ** 3, 0.0)
        weights = nearness[..., None] * away[..., None] ** np.arange(5)  # (B, W, 5)
        moments = np.einsum("bwp,bwk->bkp", weights, trust[near], optimize=True)  # (B, K, 5)
        right = np.einsum("bwp,bwkc->bkpc", weights[..., :3], values[near], optimize=True)  # (B, K, 3, 2)
        left = moments[..., np.arange(3)[:, None] + np.arange(3)]  # (B, K, 3, 3)
        left = left + np.diag([1e-12, _STIFFNESS, _STIFFNESS])
        parabola = np.linalg.solve(left, right)  # (B, K, 3, 2)
        place[block], velocity[block] = parabola[..., 0, :], parabola[..., 1, :] / half
    return Fit(place, velocity)


def fill_gaps(times: Floats, fit: Fit, *, max_gap: float) -> tuple[Floats, NDArray[np.intp], NDArray[np.intp]]:
    """Lead keypoints across gaps of at most `max_gap` seconds between two sightings.

    Cubic curves that leave and arrive at the speed of the sightings, as far as they need not overshoot for it.

    Returns:
        (F, K, 2) places, NaN where the gap is too long; and, (F, K) each, the frames of the sightings before and after
        every frame (itself where there is one, any frame where there is none).
    """
    count = len(times)
    found, frame = ~np.isnan(fit.xy[..., 0]), np.arange(count)[:, None]
    before = np.maximum.accumulate(np.where(found, frame, -1), axis=0)
    after = np.minimum.accumulate(np.where(found, frame, count)[::-1], axis=0)[::-1]
    bridged = ~found & (before >= 0) & (after < count)
    before, after = np.maximum(before, 0), np.minimum(after, count - 1)
    length = times[after] - times[before]  # (F, K)
    bridged &= length <= max_gap
    length = np.where(bridged, length, 1.0)[..., None]
    part = (times[:, None, None] - times[before][..., None]) / length  # (F, K, 1) in [0, 1]
    column = np.arange(fit.xy.shape[1])
    start, end = fit.xy[before, column], fit.xy[after, column]
    way = end - start
    leaving, arriving = (_limit_tangents(fit.velocity[i, column] * length, way) for i in (before, after))
    curve = start + way * part**2 * (3 - 2 * part) + leaving * part * (1 - part) ** 2 - arriving * part**2 * (1 - part)
    return np.where(bridged[..., None], curve, fit.xy), before, after


def _limit_tangents(tangent: Floats, way: Floats) -> Floats:
    """Tangents cut so that a cubic stays between its ends (Fritsch and Carlson, 1980)."""
    return np.where(tangent * way > 0, np.sign(way) * np.minimum(np.abs(tangent), 3 * np.abs(way)), 0.0)
