"""Where to look: at people, weak ones too, and at traces of people."""

import numpy as np
import pytest

from nimblepose.core.poses import Poses
from nimblepose.core.prior import PosePrior
from nimblepose.core.skeleton import Skeleton
from nimblepose.looks.places import NOWHERE, Places, find_places, find_traces
from nimblepose.looks.sightings import Sightings, note

DOTS = Skeleton("dots", ("a", "b", "c"), (("a", "b"), ("b", "c")), (0.1, 0.1, 0.1))
PRIOR = PosePrior(np.array([[-0.4, 0.0], [0.0, 0.0], [0.4, 0.0]]), np.eye(6) * 0.01)


def see(xy, scores=None, prior=None, **kwargs):
    xy = np.asarray(xy, np.float32)
    heights = (~np.isnan(xy[..., 0])).astype(np.float32)
    scores = np.ones(len(xy), np.float32) if scores is None else np.asarray(scores, np.float32)
    return note(Poses(DOTS, xy, heights, scores), prior, grain=8.0, **kwargs)


def test_errors_are_noted_in_pixels_of_the_picture():
    xy, errors = np.zeros((1, 3, 2), np.float32), np.array([[1, 2, np.nan]], np.float32)
    poses = Poses(DOTS, xy, np.ones((1, 3), np.float32), np.ones(1, np.float32), keypoint_errors=errors)
    np.testing.assert_array_equal(note(poses, None, grain=12.0, pixel=1.5).errors, 1.5 * errors)
    assert np.isnan(see(xy).errors).all()


def test_boxes_hold_what_is_expected_but_not_seen():
    two = [[[10, 10], [50, 10], [np.nan, np.nan]]]
    seen, whole = find_places(see(two)), find_places(see(two, prior=PRIOR))
    assert seen.boxes.tolist() == [[10, 10, 50, 10]]
    assert whole.boxes[0, 2] > 53
    assert whole.sizes[0] > 1.05 * seen.sizes[0]


def test_only_people_of_the_score_are_looked_at():
    both = see([[[0, 0], [30, 0], [30, 40]], [[0, 0], [3, 0], [3, 4]]], scores=[0.5, 0.1])
    assert find_places(both, min_score=0.2).sizes.tolist() == [50]
    assert find_places(both).sizes.tolist() == [50, 5]


def test_nobody_seen_is_nowhere():
    assert len(find_places(see(np.zeros((0, 3, 2))))) == 0


def maps(*spots, height=20, width=30):
    fields = np.zeros((4, height, width), np.float32)
    for row, column, value in spots:
        fields[0, row, column] = value
    fields[-1] = 1 - fields[:-1].max(axis=0)
    return fields


def test_a_peak_without_a_pose_is_a_trace_around_which_a_body_may_be():
    found = find_traces(maps((10, 12, 0.5)), np.zeros((0, 4)), min_height=0.12, size=6.0)
    assert found.boxes.tolist() == [[9, 7, 15, 13]]
    assert found.sizes.tolist() == [6]


@pytest.mark.parametrize(
    ("known", "count"),
    [([[5, 5, 15, 15]], 0), ([[13, 5, 20, 15]], 0), ([[16, 5, 20, 15]], 1), ([[-50, -50, -20, -20]], 1)],
    ids=["within a person", "at the edge of one", "beside one", "who is outside"],
)
def test_what_belongs_to_somebody_is_no_trace(known, count):
    assert len(find_traces(maps((10, 12, 0.5)), np.array(known, float), min_height=0.12, size=6.0)) == count


def test_faint_peaks_and_background_are_no_traces():
    assert find_traces(maps((10, 12, 0.1)), np.zeros((0, 4)), min_height=0.12, size=6.0) is NOWHERE


def test_traces_stand_as_the_picture_did_that_they_were_seen_in():
    found = find_traces(maps((10, 12, 0.5)), np.zeros((0, 4)), min_height=0.12, size=6.0, turns=3)
    assert found.turns.tolist() == [3]


def test_peaks_that_touch_are_one_trace():
    found = find_traces(maps((10, 12, 0.5), (11, 13, 0.4), (3, 25, 0.5)), np.zeros((0, 4)), min_height=0.1, size=2.0)
    assert len(found) == 2


def test_places_move_and_keep_their_corners_in_order():
    place = Places(np.array([[0.0, 0.0, 10.0, 20.0]]), np.array([22.0]), np.ones(1), np.zeros(1, np.intp))
    moved = place.move(lambda xy: -2 * xy, 2.0)
    assert moved.boxes.tolist() == [[-20, -40, 0, 0]]
    assert moved.sizes.tolist() == [44]


def test_sightings_are_completed_as_they_stood_and_keep_what_was_seen():
    seen = see([[[10, 10], [50, 10], [np.nan, np.nan]]], prior=PRIOR, turns=2)
    assert np.isnan(seen.keypoints[0, 2]).all()
    assert np.isfinite(seen.whole).all()
    assert seen.turns.tolist() == [2]
    moved = seen.move(lambda xy: xy + 1)
    np.testing.assert_allclose(moved.whole, seen.whole + 1)
    assert len(Sightings.join([seen, moved])) == 2
