"""Lines are as wide as they are asked to be, to a fraction of a pixel, wherever they lie."""

import numpy as np
import pytest

from nimblepose.drawing.sticks import draw_frame, draw_stick


def measure(width, *, turned=0.3):
    """Of a white line on black: how much light there is per pixel of its length."""
    canvas = np.zeros((300, 300, 3), np.uint8)
    along = np.array([np.cos(turned), np.sin(turned)])
    draw_stick(canvas, np.array([20.0, 20.0]), 20 + 250 * along, width, (255, 255, 255))
    rows, columns = np.mgrid[:300, :300]
    place = (columns - 20) * along[0] + (rows - 20) * along[1]
    middle = (place >= 50) & (place < 200)
    return canvas[middle][:, 0].sum() / 255 / 150


@pytest.mark.parametrize("turned", [0.0, 0.3, 1.0, np.pi / 2])
def test_a_line_has_its_width_and_grows_without_a_jump(turned):
    widths = np.arange(1, 12, 0.1)
    measured = np.array([measure(width, turned=turned) for width in widths])
    assert np.abs(measured - widths).max() < 1
    assert np.diff(measured).max() < 0.6
    assert np.diff(measured).min() > -0.3


def test_a_frame_has_four_sides_and_nothing_within():
    canvas = np.zeros((100, 100, 3), np.uint8)
    draw_frame(canvas, np.array([20.0, 30.0, 40.0, 50.0]), 2.0, (255, 255, 255))
    assert all(canvas[row, column].any() for row, column in ((30, 40), (80, 40), (50, 20), (50, 60)))
    assert not canvas[35:75, 25:55].any()


def test_far_away_ends_and_none_between_them():
    canvas = np.zeros((20, 20, 3), np.uint8)
    draw_stick(canvas, np.array([-1e9, 10.0]), np.array([1e9, 10.0]), 5.0, (255, 255, 255))
    draw_stick(canvas, np.array([10.0, 3.0]), np.array([10.0, 3.0]), 5.0, (255, 255, 255))
    assert canvas[3, 10].any()
