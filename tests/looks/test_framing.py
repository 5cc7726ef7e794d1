"""What is framed, how closely, and when two share a look."""

import numpy as np
import pytest

from nimblepose.looks.framing import Frames, estimate_gain, frame, share
from nimblepose.looks.options import LookOptions
from nimblepose.looks.places import Places

LIMITS = 480.0, 640.0
OPTIONS = LookOptions(margin=0.25, min_gain=0.05, too_large=1.2, most_zoom=5.0)


def places(*boxes, score=0.5):
    table = np.array(boxes, np.float64)
    sizes = np.hypot(*(table[:, 2:] - table[:, :2]).T)
    return Places(table, sizes, np.full(len(table), score), np.zeros(len(table), np.intp))


def frames(*rows, turns=None):
    table = np.array(rows, np.float64)
    return Frames(table[:, :4], table[:, 4], np.zeros(len(table), np.intp) if turns is None else np.array(turns))


def test_a_person_is_brought_to_the_wanted_size():
    found = frame(places((100, 100, 130, 140)), LIMITS, np.array([1.0]), 200, OPTIONS)
    assert found.zooms == pytest.approx([200 / 50])
    np.testing.assert_allclose(found.boxes, [[100.5 - 12.5, 100.5 - 12.5, 130.5 + 12.5, 140.5 + 12.5]])


@pytest.mark.parametrize(
    ("size", "score", "looked"),
    [(185, 0.5, 0), (170, 0.5, 1), (170, 0.8, 0), (100, 0.8, 1), (100, 0.95, 0), (260, 0.5, 0), (280, 0.5, 1)],
    ids=[
        "nearly as large as wanted", "smaller", "but seen well", "small, if seen well", "but seen very well",
        "a little too large", "too large",
    ],
)  # fmt: skip
def test_a_look_must_pay(size, score, looked):
    side = size / np.sqrt(2)
    wide = places((0, 0, side, side), score=score)
    assert len(frame(wide, (2000.0, 2000.0), np.array([1.0]), 200, OPTIONS)) == looked


def test_what_a_look_pays_is_what_was_lacking_and_grows_with_the_zoom():
    gain = estimate_gain(np.array([0.0, 0.5, 0.5, 1.0, 0.5]), np.array([1e9, 2.0, 4.0, 4.0, 1.0]), too_large=1.5)
    np.testing.assert_allclose(gain, [1, 0.25, 0.375, 0, 0], atol=1e-6)
    assert estimate_gain(np.array([0.5]), np.array([1 / 3]), too_large=1.5) == pytest.approx([0.25])


def test_any_pass_of_about_the_size_is_enough():
    small = places((100, 100, 130, 140))
    assert len(frame(small, LIMITS, np.array([1.0, 4.1]), 200, OPTIONS)) == 0


def test_there_is_a_closest_look():
    found = frame(places((100, 100, 103, 104)), LIMITS, np.array([0.5]), 200, OPTIONS)
    assert found.zooms == pytest.approx([2.5])


def test_looking_less_closely_lowers_every_zoom_alike():
    both = places((100, 100, 103, 104), (200, 200, 230, 240))
    near, far = (
        frame(both, LIMITS, np.array([0.5]), 200, OPTIONS, closeness=closeness).zooms for closeness in (1.0, 0.5)
    )
    np.testing.assert_allclose(far, near / 2)


def test_frames_stay_in_the_picture_and_who_is_outside_has_none():
    found = frame(places((-5, -5, 25, 35), (700, 100, 730, 140)), LIMITS, np.array([1.0]), 200, OPTIONS)
    assert len(found) == 1
    assert (found.boxes[0, :2] == 0).all()


def test_neighbours_share_a_look_and_others_do_not():
    near = frames((0, 0, 50, 50, 2), (30, 0, 80, 50, 2), (400, 400, 450, 450, 2))
    shared = share(near, gap=8, alike=1.5)
    assert sorted(shared.boxes.tolist()) == [[0, 0, 80, 50], [400, 400, 450, 450]]
    assert shared.zooms.tolist() == [2, 2]


def test_a_shared_look_is_as_close_as_the_closer_one():
    shared = share(frames((0, 0, 50, 50, 2.0), (5, 0, 55, 50, 2.4)), gap=8, alike=1.5)
    assert shared.zooms.tolist() == [2.4]


def test_sizes_that_differ_are_looked_at_apart():
    apart = frames((0, 0, 50, 50, 2.0), (5, 0, 55, 50, 3.1))
    assert len(share(apart, gap=8, alike=1.5)) == 2
    assert len(share(apart, gap=8, alike=1.6)) == 1


def test_who_stands_in_another_turn_is_looked_at_apart():
    assert len(share(frames((0, 0, 50, 50, 2), (0, 0, 50, 50, 2), turns=(0, 1)), gap=8, alike=1.5)) == 2


def test_sharing_never_costs_more():
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 500, (40, 2))
    many = Frames(np.hstack([low, low + rng.uniform(20, 120, (40, 2))]), rng.uniform(1, 4, 40), np.zeros(40, np.intp))
    shared = share(many, gap=8, alike=1.5)
    assert shared.measure_areas(8).sum() < many.measure_areas(8).sum()
    assert len(shared) < len(many)
    for box in many.boxes:  # everybody is still in one
        inside = (shared.boxes[:, :2] <= box[:2]).all(1) & (shared.boxes[:, 2:] >= box[2:]).all(1)
        assert inside.any()
