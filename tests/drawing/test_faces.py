"""Heads are unrecognisable, nothing else changes, and who is missed for a few frames stays covered."""

import dataclasses

import numpy as np
import pytest

from nimblepose.core.heads import NO_HEADS
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import HUMAN_18
from nimblepose.drawing.faces import RecentHeads, blur_heads, look_ahead
from nimblepose.drawing.people import DrawOptions, draw_poses

NOISE = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)


def heads(*rows):
    return np.array(rows, np.float32).reshape(-1, 5)


def blurred(found):
    canvas = NOISE.copy()
    blur_heads(canvas, found)
    return (canvas != NOISE).any(axis=2), canvas


def test_an_ellipse_and_nothing_else_is_blurred():
    changed, canvas = blurred(heads([60, 50, 10, 20, 1]))
    rows, columns = np.mgrid[:120, :160]
    inside = ((columns - 60) / 10) ** 2 + ((rows - 50) / 20) ** 2 <= 1
    assert not changed[~inside].any()
    assert changed[inside].mean() > 0.99
    assert canvas[inside].std() < NOISE[inside].std() / 3


@pytest.mark.parametrize("row", [[-500, 5, 9, 9, 1], [1e9, 1e9, 5, 5, 1], [80, 60, 1e6, 1e6, 1], [0, 0, 0.1, 0.1, 1]])
def test_heads_beyond_the_picture_and_of_any_size(row):
    changed, _ = blurred(heads(row))
    assert changed.mean() in (0, pytest.approx(1, abs=0.01)) or row[2] < 1


def test_heads_that_belong_to_nobody_are_blurred_on_request():
    poses = dataclasses.replace(Poses.empty(HUMAN_18), heads=heads([60, 50, 10, 10, 0.01]))
    np.testing.assert_array_equal(draw_poses(NOISE, poses), NOISE)
    assert (draw_poses(NOISE, poses, DrawOptions(blur_faces=True))[50, 60] != NOISE[50, 60]).any()


def test_heads_of_the_people_drawn_are_round_where_they_are_shown():
    xy = np.full((1, 18, 2), np.nan, np.float32)
    for name, place in (("nose", (60, 30)), ("neck", (60, 50)), ("right_hip", (60, 110)), ("left_hip", (60, 110))):
        xy[0, HUMAN_18.keypoints.index(name)] = place
    poses = Poses(HUMAN_18, xy, (~np.isnan(xy[..., 0])).astype(np.float32), np.ones(1, np.float32))
    options = DrawOptions(blur_faces=True, show_skeletons=False)
    for aspect, width in ((1.0, 31), (2.0, 16)):  # of a trunk of 60
        changed = (draw_poses(NOISE, poses, options, pixel_aspect=aspect) != NOISE).any(axis=2)
        assert np.ptp(np.flatnonzero(changed.any(axis=0))) == pytest.approx(width, abs=2)
        assert np.ptp(np.flatnonzero(changed.any(axis=1))) == pytest.approx(31, abs=2)


# From frame to frame -------------------------------------------------------------------------------------------------


def follow(frames, rate=25.0, **options):
    recent, shown = RecentHeads(**options), []
    for number, found in enumerate(frames):
        recent = recent.extend(found, number / rate)
        shown.append(recent.heads)
    return shown


HERE = heads([60, 50, 10, 10, 0.5])


def test_who_is_missed_stays_covered_for_half_a_second():
    shown = follow([HERE] + [NO_HEADS] * 20)
    assert [len(one) for one in shown] == [1] * 13 + [0] * 8
    sizes = [one[0, 2] for one in shown[:13]]
    assert (np.diff(sizes) > 0).all()
    assert 1.5 * 10 < sizes[-1] < 1.8 * 10


@pytest.mark.parametrize("rate", [0.5, 3])
def test_where_frames_are_sparse_it_is_three_of_them(rate):
    assert [len(one) for one in follow([HERE] + [NO_HEADS] * 5, rate)] == [1, 1, 1, 1, 0, 0]


def test_somebody_who_walks_leaves_no_trail():
    frames = [heads([20 + 4 * n, 50, 10, 10, 0.5]) for n in range(20)]
    assert [len(one) for one in follow(frames)] == [1] * 20


@pytest.mark.parametrize(
    "other", [[90, 50, 10, 10, 0.9], [60, 50, 5, 5, 0.9], [75, 50, 12, 12, 0.9]], ids=["beside", "smaller", "near"]
)
def test_somebody_else_does_not_uncover_them(other):
    assert [len(one) for one in follow([HERE, heads(other)])] == [1, 2]


def test_what_hardly_was_a_head_is_not_remembered():
    assert [len(one) for one in follow([heads([60, 50, 10, 10, 0.05]), NO_HEADS])] == [1, 0]


def test_ahead_is_what_comes_next():
    frames = [NO_HEADS, NO_HEADS, HERE, NO_HEADS]
    ahead = look_ahead((n / 25, found) for n, found in reversed(list(enumerate(frames))))
    assert [len(one) for one in ahead] == [1, 1, 1, 0]
    np.testing.assert_array_equal(ahead[2], HERE)
