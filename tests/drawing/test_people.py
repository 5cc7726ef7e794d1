"""Drawings are where the keypoints are, leave their arguments alone, and take any skeleton."""

import dataclasses

import numpy as np
import pytest

from nimblepose.core.heads import find_heads
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import HUMAN_18, Skeleton
from nimblepose.drawing.people import DrawOptions, choose_person_colour, draw_poses, make_limb_palette

STICK = Skeleton("stick", ("head", "foot"), (("head", "foot"),))
GRAY = np.full((120, 160, 3), 127, np.uint8)


def stick(*people, track_ids=None):
    keypoints = np.array(people, np.float32).reshape(-1, 2, 2)
    found = ~np.isnan(keypoints[..., 0])
    ids = None if track_ids is None else np.array(track_ids)
    return Poses(STICK, keypoints, found.astype(np.float32), np.ones(len(keypoints), np.float32), ids)


def centroid(drawn):
    weight = np.abs(drawn.astype(float) - 127).sum(-1)
    y, x = np.mgrid[: drawn.shape[0], : drawn.shape[1]]
    return np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()


def test_errors_are_circles_around_what_was_seen_where_they_are_known():
    people = stick([(60, 50), (110, 80)], [(40, 90), (np.nan, np.nan)])
    errors = np.array([[12, np.nan], [7, np.nan]], np.float32)
    measured = dataclasses.replace(people, keypoint_errors=errors)
    options = DrawOptions(show_errors=True)
    plain = draw_poses(GRAY, people, options)
    np.testing.assert_array_equal(plain, draw_poses(GRAY, measured))
    y, x = np.nonzero((draw_poses(GRAY, measured, options) != plain).any(axis=-1))
    near = np.hypot(x - 60, y - 50) < 20
    for chosen, place, error in ((near, (60, 50), 12), (~near, (40, 90), 7)):
        off = np.hypot(x[chosen] - place[0], y[chosen] - place[1])
        assert error - 4 < off.min() <= off.max() < error + 4
        assert abs(off.min() + off.max() - 2 * error) < 1
    guessed = dataclasses.replace(measured, keypoint_scores=np.zeros((2, 2), np.float32))
    np.testing.assert_array_equal(draw_poses(GRAY, guessed, options), draw_poses(GRAY, guessed))


def test_nobody_changes_nothing_and_a_new_picture_comes_back():
    drawn = draw_poses(GRAY, Poses.empty(HUMAN_18))
    np.testing.assert_array_equal(drawn, GRAY)
    assert not np.shares_memory(drawn, GRAY)


@pytest.mark.parametrize("place", [(60.0, 50.0), (60.5, 50.25), (60.8, 50.6)], ids=str)
def test_a_dot_lies_where_its_keypoint_is_to_a_tenth_of_a_pixel(place):
    drawn = draw_poses(GRAY, stick([place, (np.nan, np.nan)]))
    np.testing.assert_allclose(centroid(drawn), place, atol=0.1)


def test_a_limb_lies_between_its_ends():
    drawn = draw_poses(GRAY, stick([(20.5, 30), (80, 90.5)]))
    np.testing.assert_allclose(centroid(drawn), [50.25, 60.25], atol=0.4)
    changed = (drawn != GRAY).any(-1)
    assert changed[60, 50]
    assert not changed[30, 80]
    np.testing.assert_array_equal(GRAY, 127)


def test_a_limb_needs_both_ends():
    drawn = draw_poses(GRAY, stick([(20, 60), (np.nan, np.nan)]))
    columns = np.flatnonzero((drawn != GRAY).any((0, 2)))
    assert columns.min() >= 14
    assert columns.max() <= 26


def test_lines_follow_the_size_of_the_person():
    def width(height):
        drawn = draw_poses(np.full((900, 900, 3), 127, np.uint8), stick([(450, 50), (450, 50 + height)]))
        return (drawn[50 + height // 2] != 127).any(-1).sum()

    assert width(20) <= 5 < width(400) < width(800)


def test_lines_and_outlines_grow_with_the_person_without_a_jump():
    """At a box of 94 pixels the line became 2 pixels wide, and an outline of 2 more appeared at once."""

    def measure(height):
        canvas = np.full((900, 900, 3), 255, np.uint8)
        drawn = draw_poses(canvas, stick([(450, 50), (450, 50 + height)]))
        return (255 - drawn[50 + height // 2].astype(float)).sum() / 255

    ink = np.array([measure(height) for height in range(40, 400, 2)])
    assert np.abs(np.diff(ink)).max() < 1.2, "of ten and more"


def test_a_body_is_drawn_without_the_limbs_from_ears_to_shoulders_and_with_them_on_request():
    xy = np.full((1, 18, 2), np.nan, np.float32)
    for name, place in (("right_ear", (40, 20)), ("right_shoulder", (40, 100))):
        xy[0, HUMAN_18.keypoints.index(name)] = place
    poses = Poses(HUMAN_18, xy, (~np.isnan(xy[..., 0])).astype(np.float32), np.ones(1, np.float32))
    np.testing.assert_array_equal(draw_poses(GRAY, poses)[60], GRAY[60])
    assert (draw_poses(GRAY, poses, DrawOptions(all_limbs=True))[60] != GRAY[60]).any()


def test_min_keypoint_score_hides_the_doubtful():
    poses = stick([(20, 60), (100, 60)])
    poses.keypoint_scores[0, 1] = 0.2
    drawn = draw_poses(GRAY, poses, DrawOptions(min_keypoint_score=0.5))
    np.testing.assert_array_equal(drawn[:, 90:], GRAY[:, 90:])
    assert (draw_poses(GRAY, poses)[:, 90:] != GRAY[:, 90:]).any()


def test_guesses_are_thin():
    seen = stick([(200, 100), (200, 700)])
    guessed = stick([(200, 100), (200, 700)])
    guessed.keypoint_scores[0, 1] = 0
    canvas = np.full((800, 400, 3), 127, np.uint8)
    thick, thin = (np.abs(draw_poses(canvas, poses)[400] - 127.0).sum() / 127 for poses in (seen, guessed))
    assert 1 <= thin < thick / 2


def test_a_guessed_head_is_covered_as_one_that_was_not_found():
    """Its place is that of the others: the disc must be as large as where nothing is known of the head."""
    xy = np.full((1, 18, 2), np.nan, np.float32)
    for name, place in (("neck", (200, 200)), ("right_hip", (180, 300)), ("left_hip", (220, 300))):
        xy[0, HUMAN_18.keypoints.index(name)] = place
    scores = (~np.isnan(xy[..., 0])).astype(np.float32)
    plain = find_heads(Poses(HUMAN_18, xy, scores, np.ones(1, np.float32)))
    whole = np.where(np.isnan(xy), np.float32(210), xy)
    np.testing.assert_allclose(find_heads(Poses(HUMAN_18, whole, scores, np.ones(1, np.float32))), plain)


def test_colours_are_distinct_per_limb_and_stable_per_identity():
    assert len(set(make_limb_palette(HUMAN_18))) == 19
    assert len({choose_person_colour(i) for i in range(50)}) == 50
    one = draw_poses(GRAY, stick([(20, 60), (100, 60)], track_ids=[7]), DrawOptions(colour_by="person"))
    np.testing.assert_allclose(one[60, 60].astype(int), choose_person_colour(7), atol=25)  # a thin line is anti-aliased


def test_the_best_person_lies_on_top():
    poses = stick([(80, 20), (80, 100)], [(20, 60), (140, 60)])
    drawn = draw_poses(GRAY, poses, DrawOptions(colour_by="person"))
    np.testing.assert_allclose(drawn[60, 80].astype(int), choose_person_colour(0), atol=25)


@pytest.mark.parametrize("size", [(1, 1), (5, 300), (300, 5)], ids=str)
def test_tiny_pictures_and_far_away_keypoints(size):
    picture = np.zeros((*size, 3), np.uint8)
    poses = stick([(-1e9, 2), (1e9, 3)], [(0, 0), (0, 0)], [(np.nan, np.nan)] * 2)
    assert draw_poses(picture, poses, DrawOptions(show_scores=True)).shape == picture.shape


def test_scores_are_written_on_request():
    poses = stick([(60, 60), (100, 60)])
    assert (draw_poses(GRAY, poses, DrawOptions(show_scores=True)) != draw_poses(GRAY, poses)).any()


def test_looks_are_drawn_on_request_and_within_their_part():
    poses = dataclasses.replace(Poses.empty(HUMAN_18), looks=np.array([[10, 20, 50, 60]], np.float32))
    np.testing.assert_array_equal(draw_poses(GRAY, poses), GRAY)
    changed = (draw_poses(GRAY, poses, DrawOptions(show_looks=True)) != GRAY).any(axis=-1)
    rows, columns = np.nonzero(changed)
    assert (columns.min(), columns.max(), rows.min(), rows.max()) == (10, 59, 20, 79)
    assert not changed[40, 30]
