"""Patterns, drawn: noise, gratings, boards, bubbles, cobbles, text and graphs. Everything follows from a generator."""

from collections.abc import Callable

import cv2
import numpy as np
from strokes import SHIFT, Rng, make_cloud, paint_ball, paint_box, paint_line, pick_color, to_fixed

from nimblepose.media.pictures import Picture


def noise(image: Picture, rng: Rng) -> None:
    """Of every pixel by itself, in blocks, or in clouds."""
    height, width = image.shape[:2]
    cells = int(rng.choice([2, 8, 30, 120]))
    image[:] = 255 * np.stack([make_cloud(rng, height, width, cells) for _ in range(3)], axis=-1)


def stripes(image: Picture, rng: Rng) -> None:
    """Two gratings through each other."""
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    waves = np.zeros(image.shape[:2])
    for _ in range(int(rng.integers(1, 3))):
        angle, length = rng.uniform(0, np.pi), rng.uniform(6, 90)
        waves += np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / length)
    share = (0.5 + 0.25 * waves).clip(0, 1)[..., None]
    image[:] = share * np.array(pick_color(rng)) + (1 - share) * np.array(pick_color(rng))


def checkers(image: Picture, rng: Rng) -> None:
    """A board seen at a slant."""
    n = int(rng.integers(4, 14))
    board = np.kron(np.indices((n, n)).sum(axis=0) % 2, np.ones((40, 40)))[..., None]
    flat = (board * np.array(pick_color(rng)) + (1 - board) * np.array(pick_color(rng))).astype(np.uint8)
    height, width = image.shape[:2]
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    there = ((corners + rng.uniform(-0.2, 0.25, (4, 2))) * (width, height)).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(corners * np.float32(40 * n), there)
    cv2.warpPerspective(flat, matrix, (width, height), dst=image, borderMode=cv2.BORDER_TRANSPARENT)


def circles(image: Picture, rng: Rng) -> None:
    """Bubbles, some of them rings."""
    for _ in range(int(rng.integers(20, 120))):
        middle, radius = (rng.random(2) * image.shape[1::-1]).tolist(), rng.uniform(4, 60)
        paint_ball(image, middle, (radius, radius), pick_color(rng), thick=int(rng.choice([-1, 2, 5])))


def cells(image: Picture, rng: Rng) -> None:
    """Cobbles or cracked earth: each pixel belongs to its nearest seed."""
    height, width = image.shape[:2]
    seeds = rng.random((int(rng.integers(20, 160)), 2)) * (height, width)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    first = second = np.full((height, width), np.inf, np.float32)
    owner = np.zeros((height, width), np.intp)
    for number, (row, column) in enumerate(seeds.astype(np.float32)):
        far = np.hypot(y - row, x - column)
        owner[far < first] = number
        first, second = np.minimum(first, far), np.minimum(second, np.maximum(first, far))
    tones = np.array(pick_color(rng, 60, 200)) * rng.uniform(0.6, 1.2, (len(seeds), 1))
    joint = (second - first < rng.uniform(2, 6))[..., None]
    image[:] = np.clip(np.where(joint, 30, tones[owner]), 0, 255)


def text(image: Picture, rng: Rng) -> None:
    """A page of letters that say nothing."""
    height, width = image.shape[:2]
    image[:] = np.array(pick_color(rng, 200, 255), np.uint8)
    size, ink = rng.uniform(0.4, 1.6), pick_color(rng, 0, 90)
    font = int(rng.choice([cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_TRIPLEX]))
    for row in range(int(height / (30 * size))):
        words = ["".join(chr(97 + c) for c in rng.integers(0, 26, n)) for n in rng.integers(2, 9, 24)]
        place = (int(width * 0.06), int((row + 1) * 30 * size))
        cv2.putText(image, " ".join(words), place, font, size, ink, max(1, round(size)), cv2.LINE_AA)


def graphs(image: Picture, rng: Rng) -> None:
    """Curves and bars between axes."""
    height, width = image.shape[:2]
    image[:] = 250
    paint_line(image, (0.1 * width, 0.1 * height), (0.1 * width, 0.9 * height), 2, (0, 0, 0))
    paint_line(image, (0.1 * width, 0.9 * height), (0.9 * width, 0.9 * height), 2, (0, 0, 0))
    x = np.linspace(0.1, 0.9, 50) * width
    for _ in range(int(rng.integers(1, 6))):
        y = (0.5 + 0.4 * np.tanh(np.cumsum(rng.normal(0, 0.2, 50)))) * height
        cv2.polylines(image, [to_fixed(np.stack([x, y], axis=-1))], False, pick_color(rng), 3, cv2.LINE_AA, SHIFT)
    for left in x[2::6]:
        paint_box(image, left, height * rng.uniform(0.3, 0.9), left + width / 30, 0.9 * height, pick_color(rng))


PATTERNS: dict[str, Callable[[Picture, Rng], None]] = {
    function.__name__: function for function in (noise, stripes, checkers, circles, cells, text, graphs)
}
