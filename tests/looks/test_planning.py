"""The canvas holds everybody, and never more pixels than it may."""

import numpy as np
import pytest

from nimblepose.looks.options import LookOptions
from nimblepose.looks.places import NOWHERE, Places
from nimblepose.looks.planning import plan_looks

OPTIONS = LookOptions(sizes=(200.0,), most_zoom=5.0)


def crowd(count, size=40.0, seed=0):
    middle = np.random.default_rng(seed).uniform((20, 20), (1260, 700), (count, 2))
    half = size / np.sqrt(8)
    boxes = np.hstack([middle - half, middle + half])
    return Places(boxes, np.full(count, size), np.full(count, 0.3), np.zeros(count, np.intp))


def plan(places, most_pixels=1e9, options=OPTIONS, limits=(720, 1280), **kwargs):
    return plan_looks(places, limits, np.array([0.25]), options, stride=8, most_pixels=most_pixels, **kwargs)


def test_nobody_is_looked_at_where_nobody_is():
    assert plan(NOWHERE) is None


def test_a_look_is_as_large_as_the_person_should_be():
    canvas = plan(crowd(1, size=160.0))
    (left, top, right, bottom), (height, width) = canvas.boxes[0], canvas.sizes[0]
    zoom = 8 * height / (bottom - top), 8 * width / (right - left)
    assert zoom == pytest.approx((200 / 160, 200 / 160), rel=0.05)


@pytest.mark.parametrize("bound", [400_000, 200_000, 100_000])
def test_the_bound_is_kept_by_looking_less_closely_and_nobody_is_left_out(bound):
    people = crowd(60)
    canvas = plan(people, bound)
    assert canvas.input_size[0] * canvas.input_size[1] <= bound
    for box in people.boxes:
        middle = (box[:2] + box[2:]) / 2
        inside = (canvas.boxes[:, :2] <= middle).all(1) & (canvas.boxes[:, 2:] >= middle).all(1)
        assert inside.any()


def test_where_even_the_first_pass_is_as_close_nobody_is_looked_at():
    assert plan(crowd(60), 1000) is None


def test_every_size_has_its_own_looks():
    one = plan(crowd(1, size=250.0), options=LookOptions(sizes=(150.0, 250.0)))
    assert len(one) == 2
    assert one.sizes[0].prod() < one.sizes[1].prod()


def test_pixels_that_are_not_square_are_squared_on_the_canvas():
    shown = Places(np.array([[400.0, 200.0, 500.0, 300.0]]), np.array([140.0]), np.zeros(1), np.zeros(1, np.intp))
    canvas = plan(shown, limits=(576, 720), pixel_aspect=64 / 45)
    left, top, right, bottom = canvas.boxes[0]
    assert canvas.sizes[0, 0] == canvas.sizes[0, 1]
    assert (right - left) * 64 / 45 == pytest.approx(bottom - top, abs=2)


@pytest.mark.parametrize("bound", [400_000, 200_000])
def test_sides_may_be_asked_to_be_multiples(bound):
    people = crowd(60)
    canvas = plan(people, bound, step=8)
    assert canvas.size[0] % 8 == canvas.size[1] % 8 == 0
    assert canvas.input_size[0] * canvas.input_size[1] <= bound
    assert ((canvas.corners + canvas.sizes) <= canvas.size).all()
