"""Strokes to draw pictures with: polygons, lines and ellipses with smooth edges, mottled walls."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from nimblepose.media.pictures import Picture

SHIFT = 4  # bits of a pixel's fraction, for OpenCV

Rng = np.random.Generator
Point = tuple[float, float]
Color = tuple[float, float, float]


def pick_color(rng: Rng, low: float = 20, high: float = 235) -> Color:
    """By chance, between two values of all three."""
    red, green, blue = rng.uniform(low, high, 3).tolist()
    return red, green, blue


def to_fixed(points: Sequence[Point] | NDArray[np.float64]) -> NDArray[np.int32]:
    """Points as OpenCV takes them, whole numbers with a fraction."""
    return np.rint(np.array(points, np.float64) * (1 << SHIFT)).astype(np.int32)


def paint_area(image: Picture, points: Sequence[Point] | NDArray[np.float64], color: Color) -> None:
    """A polygon."""
    cv2.fillPoly(image, [to_fixed(points)], color, cv2.LINE_AA, SHIFT)


def paint_line(image: Picture, start: Point, end: Point, thick: float, color: Color) -> None:
    """From one point to another."""
    first, last = to_fixed([start, end]).tolist()
    cv2.line(image, first, last, color, max(1, round(thick)), cv2.LINE_AA, SHIFT)


def paint_ball(image: Picture, middle: Point, across: Point, color: Color, turn: float = 0, thick: int = -1) -> None:
    """An ellipse by its half axes, turned by so many degrees."""
    angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    local = np.stack([across[0] * np.cos(angles), across[1] * np.sin(angles)], axis=-1)
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    points = local @ np.array([[c, s], [-s, c]]) + middle
    if thick < 0:
        paint_area(image, points, color)
    else:
        cv2.polylines(image, [to_fixed(points)], True, color, thick, cv2.LINE_AA, SHIFT)


def paint_box(image: Picture, left: float, top: float, right: float, bottom: float, color: Color) -> None:
    """An upright rectangle."""
    paint_area(image, [(left, top), (right, top), (right, bottom), (left, bottom)], color)


def make_cloud(rng: Rng, height: int, width: int, cells: int) -> NDArray[np.float32]:
    """Smooth noise in [0, 1], so many waves across, and finer and weaker ones in it."""
    total = np.zeros((height, width), np.float32)
    for octave in range(4):
        n = cells * 2**octave + 1
        small = rng.random((n, n)).astype(np.float32)
        total += cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC) / 2**octave
    low, high = total.min(), total.max()
    return np.asarray((total - low) / max(high - low, 1e-6), np.float32)


def make_wall(rng: Rng, height: int, width: int) -> NDArray[np.float32]:
    """What is behind: something mottled, and below it a floor."""
    upper, lower = np.array(pick_color(rng, 60, 220)), np.array(pick_color(rng, 40, 180))
    above = np.arange(height)[:, None, None] < height * rng.uniform(0.6, 0.85)
    mottled = 0.75 + 0.4 * make_cloud(rng, height, width, int(rng.integers(3, 12)))[..., None]
    return np.asarray(np.clip(np.where(above, upper, lower) * mottled, 0, 255), np.float32)
