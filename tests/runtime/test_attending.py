"""Frames are planned by what was found before: no sooner, never across a cut, and in the same way every time."""

import numpy as np
import pytest
from sharp_eyes import METADATA, STAR, make_bodies

from nimblepose.core.poses import Poses
from nimblepose.looks.attention import AttentionOptions
from nimblepose.media.frames import Frame
from nimblepose.runtime.attending import Attender

SIZE = 720, 1280
PICTURE = np.zeros((*SIZE, 3), np.uint8)


def make_poses(*places, shot=0):
    bodies = make_bodies(*places) if places else np.zeros((0, 4, 2), np.float32)
    count = len(bodies)
    return Poses(STAR, bodies, np.ones((count, 4), np.float32), np.full(count, 0.9, np.float32), shot=shot)


def start(ahead=2):
    return Attender(AttentionOptions(), stride=METADATA.input.stride, ahead=ahead)


def plan(attender, number, *, shot=0, rate=25):
    return attender.plan(Frame(number, number / rate, PICTURE), shot)


def holds(canvas, x, y):
    """Is there a look at a point that is closer than the whole frame by far?"""
    zooms = canvas.sizes[:, 0] / (canvas.boxes[:, 3] - canvas.boxes[:, 1])
    inside = (canvas.boxes[:, :2] <= (x, y)).all(axis=1) & (canvas.boxes[:, 2:] >= (x, y)).all(axis=1)
    return bool((inside & (zooms > 6 * zooms[0])).any())


def follow(attender, count, *, ahead, shot=0, speed=4):
    """Somebody of 60 pixels on the way to the right; plans of every frame."""
    plans = []
    for number in range(count):
        plans.append(plan(attender, number, shot=shot))
        if number + 1 >= ahead:
            known = number + 1 - ahead
            attender.note(make_poses((200 + speed * known, 300, 60), shot=shot), known / 25)
    return plans


@pytest.mark.parametrize("ahead", [1, 2, 3])
def test_who_was_found_is_looked_at_where_they_should_be_by_now(ahead):
    plans = follow(start(ahead), 20, ahead=ahead)
    assert [holds(canvas, 200 + 4 * n, 300) for n, canvas in enumerate(plans[: ahead + 1])] == [False] * ahead + [True]
    assert all(holds(canvas, 200 + 4 * n, 300) for n, canvas in enumerate(plans) if n >= ahead)


def test_nothing_follows_from_what_is_known_too_soon():
    """Whatever the number of threads, so that results are the same."""
    late, soon = start(), start()
    expected = follow(late, 12, ahead=2)
    for number in range(12):
        canvas = plan(soon, number)
        np.testing.assert_array_equal(canvas.boxes, expected[number].boxes)
        np.testing.assert_array_equal(canvas.corners, expected[number].corners)
        soon.note(make_poses((200 + 4 * number, 300, 60)), number / 25)


def test_after_a_cut_and_after_a_long_time_the_whole_frame_is_seen_alone_and_larger():
    for number, shot in ((10, 1), (400, 0)):
        attender = start()
        before = follow(attender, 10, ahead=2)[-1]
        attender.note(make_poses((236, 300, 60)), 9 / 25)
        canvas = plan(attender, number, shot=shot)
        assert len(canvas) == 1
        assert tuple(canvas.sizes[0]) == canvas.size == before.size
        assert (canvas.sizes[0] > before.sizes[0]).all()


def test_who_is_hidden_is_looked_for_for_a_while():
    attender = start(1)
    follow(attender, 10, ahead=1, speed=1)
    seen = []
    for number in range(10, 60):
        seen.append(holds(plan(attender, number), 210, 300))
        attender.note(make_poses(), number / 25)
    assert all(seen[:20])
    assert not all(seen[30:])


def test_who_moves_is_found_before_anybody_knows_of_them():
    attender = start()
    for number in range(30):
        picture = PICTURE.copy()
        x = 200 + 6 * number
        picture[300:360, x : x + 20] = 255
        canvas = attender.plan(Frame(number, number / 25, picture), 0)
        attender.note(make_poses(), number / 25)
    assert holds(canvas, x + 10, 330)
