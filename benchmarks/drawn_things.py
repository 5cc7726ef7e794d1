"""Pictures of things that are not people, drawn: patterns, clocks, animals, trees, furniture, clothes on a line.

Everything follows from the kind and a seed. What stands somewhere stands before a wall and on a floor, under uneven
light, a little blurred and with the noise of a sensor.
"""

import zlib
from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np
from drawn_patterns import PATTERNS
from strokes import Rng, make_cloud, make_wall, paint_area, paint_ball, paint_box, paint_line, pick_color

from nimblepose.media.pictures import Picture

SIZES = ((480, 640), (640, 480), (427, 640), (720, 1280), (800, 450), (300, 300))  # height, width
NOISE = 4.0  # standard deviation of the sensor, in gray levels


def draw(kind: str, seed: int) -> Picture:
    """One picture of a kind, (H, W, 3) RGB."""
    rng = np.random.default_rng((zlib.crc32(kind.encode()), seed))
    height, width = SIZES[int(rng.integers(len(SIZES)))]
    image = np.empty((height, width, 3), np.uint8)
    image[:] = make_wall(rng, height, width)
    KINDS[kind](image, rng)
    blurred = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 1.2))).astype(np.float32)
    blurred *= 0.8 + 0.4 * make_cloud(rng, height, width, 2)[..., None]
    return np.asarray(np.clip(blurred + rng.normal(0, NOISE, blurred.shape), 0, 255), np.uint8)


def clocks(image: Picture, rng: Rng) -> None:
    """One or more faces with hands."""
    height, width = image.shape[:2]
    for _ in range(int(rng.integers(1, 4))):
        radius = rng.uniform(0.15, 0.42) * min(height, width)
        x, y = rng.uniform(radius, width - radius), rng.uniform(radius, height - radius)
        rim, face, ink = pick_color(rng, 0, 120), pick_color(rng, 190, 255), pick_color(rng, 0, 60)
        paint_ball(image, (x, y), (radius, radius), rim)
        paint_ball(image, (x, y), (0.9 * radius, 0.9 * radius), face)
        for hour in range(12):
            c, s = np.cos(hour * np.pi / 6), np.sin(hour * np.pi / 6)
            start, end = (x + 0.75 * radius * c, y + 0.75 * radius * s), (x + 0.85 * radius * c, y + 0.85 * radius * s)
            paint_line(image, start, end, radius / 25, ink)
        for length, thick in ((0.45, 14), (0.7, 20), (0.75, 60)):
            angle = rng.uniform(0, 2 * np.pi)
            paint_line(image, (x, y), (x + length * radius * np.cos(angle), y + length * radius * np.sin(angle)),
                  radius / thick, ink)  # fmt: skip


def trees(image: Picture, rng: Rng) -> None:
    """Branches that fork, with leaves or without."""
    height, width = image.shape[:2]
    leaves, wood, green = rng.random() < 0.6, pick_color(rng, 30, 90), (60.0, rng.uniform(90, 160), 50.0)

    def grow(x: float, y: float, angle: float, length: float, thick: float) -> None:
        end = x + length * np.cos(angle), y - length * np.sin(angle)
        paint_line(image, (x, y), end, thick, wood)
        if length < 10:
            if leaves:
                paint_ball(image, end, (6, 4), green, rng.uniform(0, 180))
            return
        for side in (-1, 1):
            grow(*end, angle + side * rng.uniform(0.2, 0.6), length * rng.uniform(0.6, 0.8), thick * 0.7)

    for _ in range(int(rng.integers(1, 4))):
        tall = rng.uniform(0.1, 0.24) * height
        grow(rng.uniform(0.1, 0.9) * width, 0.92 * height, np.pi / 2 + rng.normal(0, 0.1), tall, tall / 6)


def animals(image: Picture, rng: Rng) -> None:
    """Four legs, a body, a neck and a head; a tail."""
    height, width = image.shape[:2]
    for _ in range(int(rng.integers(1, 4))):
        long, coat = rng.uniform(0.2, 0.45) * min(height, width), pick_color(rng, 20, 200)
        x, y, way = rng.uniform(0.25, 0.75) * width, rng.uniform(0.45, 0.75) * height, rng.choice([-1, 1])
        legs, neck = rng.uniform(0.3, 0.8) * long, rng.uniform(0.2, 0.9) * long
        for place in (-0.42, -0.34, 0.34, 0.42):
            knee = x + place * long + rng.normal(0, 0.04) * long, y + 0.55 * legs
            paint_line(image, (x + place * long, y), knee, long / 9, coat)
            paint_line(image, knee, (knee[0] + rng.normal(0, 0.04) * long, y + legs), long / 12, coat)
        paint_ball(image, (x, y), (0.55 * long, 0.25 * long), coat)
        head = x + way * (0.5 * long + 0.5 * neck), y - 0.1 * long - 0.8 * neck
        paint_line(image, (x + way * 0.42 * long, y - 0.05 * long), head, long / 6, coat)
        paint_ball(image, head, (0.2 * long, 0.12 * long), coat, way * 25)
        paint_ball(image, (head[0], head[1] - 0.02 * long), (long / 50, long / 50), (0, 0, 0))
        paint_line(image, (x - way * 0.5 * long, y), (x - way * 0.75 * long, y + 0.3 * long), long / 16, coat)


def birds(image: Picture, rng: Rng) -> None:
    """Standing on two legs, as people do."""
    height, width = image.shape[:2]
    for _ in range(int(rng.integers(1, 6))):
        long, coat, way = rng.uniform(0.1, 0.3) * min(height, width), pick_color(rng, 20, 240), rng.choice([-1, 1])
        x, y, tilt = rng.uniform(0.2, 0.8) * width, rng.uniform(0.4, 0.7) * height, rng.uniform(20, 80)
        for side in (-0.1, 0.12):
            paint_line(image, (x + side * long, y), (x + side * long, y + 0.95 * long), long / 20, (200, 120, 40))
        paint_ball(image, (x, y), (0.6 * long, 0.3 * long), coat, -way * tilt)
        head = x + way * 0.35 * long, y - 0.6 * long
        paint_ball(image, head, (0.2 * long, 0.18 * long), pick_color(rng))
        beak = [(head[0] + way * 0.15 * long, head[1] - 0.06 * long), (head[0] + way * 0.5 * long, head[1]),
                (head[0] + way * 0.15 * long, head[1] + 0.06 * long)]  # fmt: skip
        paint_area(image, beak, (230, 150, 40))


def furniture(image: Picture, rng: Rng) -> None:
    """Chairs at a table."""
    height, width = image.shape[:2]
    wood = pick_color(rng, 30, 180)
    for x in np.linspace(0.15, 0.85, int(rng.integers(2, 5))) * width:
        tall = rng.uniform(0.35, 0.6) * height
        wide, foot, seat = 0.4 * tall, 0.93 * height, 0.93 * height - 0.45 * tall
        for leg in (-0.5, -0.3, 0.3, 0.5):
            paint_line(image, (x + leg * wide, seat), (x + 1.05 * leg * wide, foot), tall / 25, wood)
        edges = np.array([(-0.55, 0), (-0.35, -0.2), (0.55, -0.2), (0.5, 0)]) * wide + (x, seat)
        paint_area(image, edges, wood)
        back = x - 0.45 * wide * rng.choice([-1, 1])
        paint_line(image, (back, seat), (back, foot - tall), tall / 22, wood)
        for rung in (0.6, 0.75, 0.9, 1.0):
            paint_line(image, (back, foot - rung * tall), (x, foot - rung * tall), tall / 30, wood)
    top = rng.uniform(0.5, 0.6) * height
    paint_box(image, 0.2 * width, top, 0.8 * width, top + 0.04 * height, pick_color(rng, 60, 200))


def statues(image: Picture, rng: Rng) -> None:
    """Heaps of shapes on a pedestal: snowmen, pawns, vases, stones on each other."""
    height, width = image.shape[:2]
    stone = np.array(pick_color(rng, 120, 230))
    for x in np.linspace(0.2, 0.8, int(rng.integers(1, 5))) * width:
        tall, y = rng.uniform(0.4, 0.7) * height, 0.85 * height
        paint_box(image, x - 0.2 * tall, y, x + 0.2 * tall, 0.97 * height, pick_color(rng, 80, 160))
        size = 0.2 * tall
        while size > 0.05 * tall:
            tone = tuple((stone * rng.uniform(0.85, 1.1)).clip(0, 255).tolist())
            wide = size * rng.uniform(0.5, 1.1)
            paint_ball(image, (x, y - 0.8 * size), (wide, size), tone, rng.normal(0, 5))
            y -= 1.6 * size
            size *= rng.uniform(0.6, 0.9)
        if rng.random() < 0.5:
            paint_ball(image, (x, y), (0.09 * tall, 0.09 * tall), tuple(stone.tolist()))


def clothes(image: Picture, rng: Rng) -> None:
    """Shirts and trousers on a line, nobody in them."""
    height, width = image.shape[:2]
    rope = rng.uniform(0.15, 0.3) * height
    paint_line(image, (0, rope), (width, rope + rng.normal(0, 5)), 2, (40, 40, 40))
    for x in np.linspace(0.12, 0.88, int(rng.integers(3, 7))) * width:
        unit, cloth = rng.uniform(0.04, 0.07) * height, pick_color(rng)
        shirt = [
            (-1.2, 0),
            (-3, 3),
            (-2.2, 3.8),
            (-1.3, 2.4),
            (-1.4, 7),
            (1.4, 7),
            (1.3, 2.4),
            (2.2, 3.8),
            (3, 3),
            (1.2, 0),
        ]
        trousers = [(-1.3, 0), (-1.9, 9), (-0.7, 9), (0, 2.5), (0.7, 9), (1.9, 9), (1.3, 0)]
        shape = np.array(shirt if rng.random() < 0.5 else trousers, np.float64)
        paint_area(image, shape * unit + (x, rope) + rng.normal(0, 0.1, shape.shape) * unit, cloth)


def houses(image: Picture, rng: Rng) -> None:
    """Fronts with windows and doors."""
    height, width = image.shape[:2]
    left = 0.0
    while left < width:
        wide, top = rng.uniform(0.15, 0.35) * width, rng.uniform(0.1, 0.45) * height
        paint_box(image, left, top, left + wide, 0.95 * height, pick_color(rng, 70, 210))
        columns, rows = int(rng.integers(2, 5)), int(rng.integers(2, 6))
        glass = pick_color(rng, 20, 120)
        for i in range(columns):
            for j in range(rows):
                x, y = left + wide * (i + 0.2) / columns, top + (0.9 * height - top) * (j + 0.2) / rows
                paint_box(image, x, y, x + 0.55 * wide / columns, y + 0.55 * (0.9 * height - top) / rows, glass)
        left += wide


def hills(image: Picture, rng: Rng) -> None:
    """A landscape with a sun."""
    height, width = image.shape[:2]
    image[:] = np.array(pick_color(rng, 140, 230), np.uint8)
    radius = rng.uniform(0.04, 0.1) * height
    paint_ball(image, (rng.uniform(0, width), rng.uniform(0.1, 0.4) * height), (radius, radius), (250, 230, 140))
    x = np.linspace(0, width, 80)
    for depth in np.linspace(0.4, 0.9, int(rng.integers(3, 6))):
        rough = rng.uniform(0.005, 0.03)
        y = (depth + np.cumsum(rng.normal(0, rough, 80)) - 0.02) * height
        points = np.concatenate([np.stack([x, y], axis=-1), [(width, height), (0, height)]])
        paint_area(image, points, tuple((np.array(pick_color(rng, 60, 140)) * (1.3 - depth)).tolist()))


def wheels(image: Picture, rng: Rng) -> None:
    """Bicycles."""
    height, width = image.shape[:2]
    for _ in range(int(rng.integers(1, 4))):
        radius, paint = rng.uniform(0.08, 0.2) * min(height, width), pick_color(rng)
        x, y = rng.uniform(0.3, 0.7) * width, rng.uniform(0.6, 0.85) * height
        for middle in ((x - 1.3 * radius, y), (x + 1.3 * radius, y)):
            paint_ball(image, middle, (radius, radius), (30, 30, 30), thick=max(2, round(radius / 10)))
            for angle in np.arange(0, np.pi, np.pi / 8):
                c, s = radius * np.cos(angle), radius * np.sin(angle)
                paint_line(image, (middle[0] - c, y - s), (middle[0] + c, y + s), 1, (120, 120, 120))
        seat, crank, bar = (
            (x - 0.6 * radius, y - 1.3 * radius),
            (x - 0.2 * radius, y),
            (x + 0.9 * radius, y - 1.3 * radius),
        )
        for start, end in ((seat, crank), (crank, bar), (seat, bar), ((x - 1.3 * radius, y), seat),
                           ((x - 1.3 * radius, y), crank), (bar, (x + 1.3 * radius, y))):  # fmt: skip
            paint_line(image, start, end, radius / 10, paint)
        paint_line(
            image, (seat[0] - 0.3 * radius, seat[1]), (seat[0] + 0.2 * radius, seat[1]), radius / 5, (20, 20, 20)
        )


def poles(image: Picture, rng: Rng) -> None:
    """Street lamps, traffic lights, signs, scarecrows' crosses."""
    height, width = image.shape[:2]
    for x in rng.uniform(0.05, 0.95, int(rng.integers(2, 7))) * width:
        top, metal, unit = rng.uniform(0.1, 0.5) * height, pick_color(rng, 30, 110), 0.05 * height
        paint_line(image, (x, 0.95 * height), (x, top), unit / 3, metal)
        kind = rng.integers(4)
        if kind == 0:
            paint_line(image, (x, top), (x + 2 * unit, top - unit), unit / 4, metal)
            paint_ball(image, (x + 2.2 * unit, top - 0.9 * unit), (unit / 2, unit / 3), (250, 240, 190))
        elif kind == 1:
            paint_box(image, x - 0.7 * unit, top - 2 * unit, x + 0.7 * unit, top + 2 * unit, (30, 30, 30))
            for place, light in ((-1.3, (220, 40, 40)), (0, (230, 180, 40)), (1.3, (60, 200, 80))):
                paint_ball(image, (x, top + place * unit), (unit / 2, unit / 2), light)
        elif kind == 2:
            paint_ball(image, (x, top), (1.2 * unit, 1.2 * unit), pick_color(rng))
            paint_ball(image, (x, top), (0.9 * unit, 0.9 * unit), (240, 240, 240))
        else:
            paint_line(image, (x - 2.5 * unit, top + 2 * unit), (x + 2.5 * unit, top + 2 * unit), unit / 3, metal)


def pylons(image: Picture, rng: Rng) -> None:
    """Masts of lattice, with arms and wires."""
    height, width = image.shape[:2]
    steel, tips = pick_color(rng, 20, 90), []
    for x in np.linspace(0.15, 0.85, int(rng.integers(1, 4))) * width:
        top, bottom = rng.uniform(0.08, 0.3) * height, 0.93 * height
        tall = bottom - top
        steps = np.linspace(0, 1, 9)
        for low, high in pairwise(steps):
            w0, w1 = tall * (0.14 * (1 - low) + 0.02), tall * (0.14 * (1 - high) + 0.02)
            y0, y1 = bottom - low * tall, bottom - high * tall
            for side in (-1, 1):
                paint_line(image, (x + side * w0, y0), (x + side * w1, y1), 2, steel)
                paint_line(image, (x + side * w0, y0), (x - side * w1, y1), 1, steel)
        for level, reach in ((0.95, 0.18), (0.8, 0.26), (0.65, 0.22)):
            y = bottom - level * tall
            paint_line(image, (x - reach * tall, y), (x + reach * tall, y), 3, steel)
            tips.append((x + reach * tall, y))
    for start, end in zip(tips, tips[3:], strict=False):
        paint_line(image, start, end, 1, steel)


def dishes(image: Picture, rng: Rng) -> None:
    """Plates, knives and bottles on a table."""
    height, width = image.shape[:2]
    for _ in range(int(rng.integers(2, 7))):
        x, y = rng.uniform(0.1, 0.9) * width, rng.uniform(0.3, 0.9) * height
        radius, china = rng.uniform(0.05, 0.14) * min(height, width), pick_color(rng, 180, 250)
        paint_ball(image, (x, y), (radius, 0.6 * radius), china)
        paint_ball(image, (x, y), (0.7 * radius, 0.42 * radius), pick_color(rng))
        paint_line(image, (x + 1.3 * radius, y - radius), (x + 1.3 * radius, y + radius), radius / 8, (170, 170, 180))
        glass, left = pick_color(rng, 20, 160), x - 1.9 * radius
        paint_box(image, left, y - 1.5 * radius, left + 0.6 * radius, y + 0.5 * radius, glass)
        paint_box(image, left + 0.2 * radius, y - 2.4 * radius, left + 0.4 * radius, y - 1.5 * radius, glass)


def fences(image: Picture, rng: Rng) -> None:
    """Pickets and rails."""
    height, width = image.shape[:2]
    wood, gap = pick_color(rng, 90, 240), rng.uniform(0.03, 0.09) * width
    top, bottom = rng.uniform(0.3, 0.5) * height, 0.92 * height
    for rail in (0.25, 0.75):
        y = top + rail * (bottom - top)
        paint_box(image, 0, y, width, y + 0.03 * height, wood)
    for x in np.arange(0, width, gap):
        peak = top + rng.normal(0, 3)
        picket = [(0, bottom), (0, peak), (gap / 4, peak - gap / 3), (gap / 2, peak), (gap / 2, bottom)]
        paint_area(image, np.add(picket, (x, 0)), wood)


KINDS: dict[str, Callable[[Picture, Rng], None]] = PATTERNS | {
    function.__name__: function
    for function in (clocks, trees, animals, birds, furniture, statues, clothes, houses, hills, wheels, poles, pylons,
                     dishes, fences)
}  # fmt: skip
