"""Rectangles on a canvas: none overlaps another, gaps are kept, little is wasted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nimblepose.looks.packing import fill, pack

SIDES = st.tuples(st.integers(1, 40), st.integers(1, 40))


@given(st.lists(SIDES, min_size=1, max_size=40), st.integers(0, 3))
def test_nobody_overlaps_and_everything_is_on_the_canvas(sides, gap):
    sizes = np.array(sides, np.intp)
    corners, (height, width) = pack(sizes, gap=gap)
    assert (corners >= 0).all()
    assert (corners + sizes <= (height, width)).all()
    taken = np.zeros((height + gap, width + gap), int)
    for (row, column), (high, wide) in zip(corners, sizes, strict=True):
        taken[row : row + high + gap, column : column + wide + gap] += 1
    assert taken.max() == 1


def test_one_rectangle_is_its_own_canvas():
    corners, size = pack(np.array([[5, 7]]), gap=2)
    assert corners.tolist() == [[0, 0]]
    assert size == (5, 7)


@pytest.mark.parametrize("count", [5, 20, 60])
def test_little_is_wasted(count):
    sizes = np.random.default_rng(count).integers(8, 30, (count, 2))
    _, (height, width) = pack(sizes, gap=1)
    assert height * width < 1.3 * (sizes + 1).prod(axis=1).sum()


def test_a_canvas_of_one_size_takes_what_fits_in_the_order_given():
    sizes = np.array([[4, 4], [9, 3], [4, 5], [2, 2], [3, 4]])
    corners = fill(sizes, (8, 10), gap=1)
    assert corners.tolist()[:3] == [[0, 0], [-1, -1], [0, 5]], "the second is too high for the canvas"
    taken = np.zeros((9, 11), int)
    for (row, column), (height, width) in zip(corners.tolist(), sizes.tolist(), strict=True):
        if row >= 0:
            assert row + height <= 8
            assert column + width <= 10
            taken[row : row + height + 1, column : column + width + 1] += 1
    assert taken.max() == 1, "with a gap between any two"
    assert (fill(sizes[[0, 2, 3, 4, 0, 0]], (8, 10), gap=1)[-1] == -1).all(), "the last finds no room"
    assert fill(np.zeros((0, 2), np.intp), (8, 10), gap=1).shape == (0, 2)
