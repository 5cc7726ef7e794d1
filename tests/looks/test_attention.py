"""One canvas for every frame: the whole, people expected, what moves, and parts in which to search."""

import numpy as np
import pytest

from nimblepose.core.errors import OptionError
from nimblepose.looks.attention import AttentionOptions, attend, size_canvas
from nimblepose.looks.places import NOWHERE, Places

OPTIONS = AttentionOptions()
LIMITS = 2160, 3840


def make_places(*people):
    """From (x, y, height) of each."""
    x, y, tall = np.array(people, float).reshape(-1, 3).T
    boxes = np.stack([x - tall / 6, y - tall / 2, x + tall / 6, y + tall / 2], axis=1)
    return Places(boxes, np.hypot(tall, tall / 3), np.zeros(len(x)), np.zeros(len(x), np.intp))


def plan(expected=NOWHERE, *, waiting=None, moving=NOWHERE, limits=LIMITS, number=0, options=OPTIONS, aspect=1.0):
    waiting = np.ones(len(expected), int) if waiting is None else waiting
    return attend(expected, waiting, moving, limits, number, options, stride=8, pixel_aspect=aspect)


def measure_zooms(canvas):
    return canvas.sizes[:, 0] * 8 / (canvas.boxes[:, 3] - canvas.boxes[:, 1])


def find_look(canvas, x, y):
    """The closest look at a point."""
    inside = (canvas.boxes[:, :2] <= (x, y)).all(axis=1) & (canvas.boxes[:, 2:] >= (x, y)).all(axis=1)
    return int(np.where(inside, measure_zooms(canvas), 0).argmax())


@pytest.mark.parametrize("count", [0, 1, 5, 20, 80])
@pytest.mark.parametrize("number", range(4))
def test_the_canvas_has_one_size_and_nothing_overlaps(count, number):
    rng = np.random.default_rng(count)
    people = make_places(*zip(*rng.uniform((100, 100, 50), (3700, 2000, 300), (count, 3)).T, strict=True))
    canvas = plan(people, number=number).canvas
    assert canvas.size == size_canvas(LIMITS, OPTIONS, stride=8)
    assert canvas.boxes[0].tolist() == [0, 0, 3840, 2160], "the whole frame comes first"
    taken = np.zeros(canvas.size, int)
    for (row, column), (height, width) in zip(canvas.corners.tolist(), canvas.sizes.tolist(), strict=True):
        assert row + height <= canvas.size[0]
        assert column + width <= canvas.size[1]
        taken[row : row + height, column : column + width] += 1
    assert taken.max() == 1
    assert (canvas.boxes >= 0).all()
    assert (canvas.boxes[:, 2:] <= (3840, 2160)).all()


def test_the_cost_is_the_same_whatever_the_resolution():
    sizes = {size_canvas(limits, OPTIONS, stride=8) for limits in ((720, 1280), (1080, 1920), (2160, 3840))}
    assert len(sizes) == 1
    assert np.prod(sizes.pop()) <= 1.35 * (256 // 8) * (456 // 8)


def test_who_is_small_is_seen_as_large_as_wanted_and_who_is_large_in_the_whole_frame():
    people = make_places((500, 500, 80), (3000, 1500, 120))
    attention = plan(people)
    zooms = measure_zooms(attention.canvas)
    for box, size in zip(people.boxes, people.sizes, strict=True):
        look = find_look(attention.canvas, *(box[:2] + box[2:]) / 2)
        assert 0.8 * OPTIONS.size < zooms[look] * size < 1.05 * OPTIONS.size
        assert (attention.canvas.boxes[look, :2] < box[:2]).all()
        assert (attention.canvas.boxes[look, 2:] > box[2:]).all()
    assert attention.looked.all()
    large = plan(make_places((2000, 1100, 1500)))
    assert len(large.canvas) == 1
    assert tuple(large.canvas.sizes[0]) == large.canvas.size, "who is large leaves the canvas to the frame"
    assert large.looked.all()
    searching = [len(plan(make_places((2000, 1100, 1500)), number=n).canvas) > 1 for n in range(8)]
    assert searching == [False, False, False, True] * 2, "which still looks around now and then"


def test_a_crowd_is_seen_in_turn_who_waits_for_longest_first():
    rng = np.random.default_rng(0)
    people = make_places(*((x, y, 90) for x, y in rng.uniform((100, 100), (3700, 2000), (60, 2))))
    last, gaps = np.full(60, -1), []
    for number in range(40):
        looked = plan(people, waiting=number - last, number=number).looked
        assert 4 <= looked.sum() < 60
        gaps.append((number - last[looked]).max())
        last[looked] = number
    assert (last >= 40 - max(gaps)).all()
    assert max(gaps) <= 20, "everybody's turn comes"
    waiting = np.arange(60)
    assert plan(people, waiting=waiting).looked[waiting.argmax()]


def test_what_moves_is_looked_at_unless_somebody_is_expected_there():
    moving, somebody = make_places((1800, 900, 100)), make_places((1790, 880, 100))
    canvas = plan(moving=moving).canvas
    look = find_look(canvas, 1800, 900)
    assert measure_zooms(canvas)[look] * moving.sizes[0] > 0.7 * OPTIONS.search_size
    both = plan(somebody, moving=moving)
    nearer = measure_zooms(both.canvas) > 10 * measure_zooms(both.canvas)[0]
    near = np.abs(both.canvas.boxes[:, :2] + both.canvas.boxes[:, 2:] - (3600, 1800)).max(axis=1) < 300
    assert (nearer & near).sum() == 1


def test_everything_that_moves_has_its_turn():
    moving = make_places(*((200 + 180 * i, 1000, 100) for i in range(20)))
    crowd = make_places(*((200 + 180 * i, 1900, 100) for i in range(20)))
    seen = np.zeros(20, bool)
    for number in range(60):
        canvas = plan(crowd, moving=moving, number=number).canvas
        close = measure_zooms(canvas) > 0.5
        for i, x in enumerate(200 + 180 * np.arange(20)):
            seen[i] |= (
                close & (canvas.boxes[:, :2] <= (x, 1000)).all(1) & (canvas.boxes[:, 2:] >= (x, 1000)).all(1)
            ).any()
    assert seen.all()


@pytest.mark.parametrize("count", [0, 20])
def test_a_search_goes_everywhere_however_many_people_there_are(count):
    people = make_places(*((200 + 150 * i, 1000, 90) for i in range(count)))
    seen = np.zeros((216, 384), bool)
    for number in range(1200):
        canvas = plan(people, number=number).canvas
        for box in canvas.boxes[measure_zooms(canvas) > 0.5].tolist():
            left, top, right, bottom = (round(v / 10) for v in box)
            seen[top:bottom, left:right] = True
        if seen.all():
            break
    assert seen.all()


def test_pixels_that_are_not_square():
    people = make_places((900, 300, 60))  # as shown
    canvas = plan(people, limits=(576, 720), aspect=64 / 45).canvas
    assert canvas.boxes[0].tolist() == [0, 0, 720, 576]
    look = find_look(canvas, 900 * 45 / 64, 300)
    left, top, right, bottom = canvas.boxes[look]
    shown = (right - left) * 64 / 45 / (bottom - top)
    assert canvas.sizes[look, 1] / canvas.sizes[look, 0] == pytest.approx(shown, rel=0.15)


def test_options_out_of_range_are_named():
    for options in ({"height": 8}, {"size": 0}, {"search": (0.5,)}, {"overlap": 1.0}):
        with pytest.raises(OptionError, match=next(iter(options))):
            AttentionOptions(**options)
