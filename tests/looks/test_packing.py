"""Rectangles on a canvas: none overlaps another, gaps are kept, little is wasted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nimblepose.looks.packing import pack

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
