"""Heads lie where the keypoints of the head are, as large as heads are, in pixels of any shape."""

import numpy as np
import pytest

from nimblepose.core.heads import NO_HEADS, find_heads, gather_heads, list_head_keypoints, move_heads
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import HUMAN_18, Skeleton


def poses(**places):
    xy = np.full((1, 18, 2), np.nan, np.float32)
    for name, place in places.items():
        xy[0, HUMAN_18.keypoints.index(name)] = place
    return Poses(HUMAN_18, xy, (~np.isnan(xy[..., 0])).astype(np.float32), np.float32([0.7]))


def test_a_face_from_the_front_is_covered_from_ear_to_ear_and_a_bit_more():
    """Ears 40 apart, the eyes and the nose between: the radius is 1.6 times the way from their middle to an ear."""
    face = poses(nose=(100, 104), right_eye=(92, 98), left_eye=(108, 98), right_ear=(80, 100), left_ear=(120, 100))
    np.testing.assert_allclose(find_heads(face), [[100, 100, 32, 32, 0.7]], rtol=1e-5)


def test_a_head_with_one_keypoint_is_as_large_as_the_trunk_says():
    found = find_heads(poses(nose=(100, 60), neck=(100, 100), right_hip=(85, 200), left_hip=(115, 200)))
    np.testing.assert_allclose(found, [[100, 60, 26, 26, 0.7]], rtol=1e-5)  # of trunks of 100


def test_without_trunk_it_is_as_large_as_the_box_says():
    found = find_heads(poses(nose=(100, 100), right_ankle=(130, 140)))
    np.testing.assert_allclose(found, [[100, 100, 4.5, 4.5, 0.7]], rtol=1e-5)  # of a diagonal of 50


def test_a_head_that_was_not_found_is_above_the_shoulders_away_from_the_hips():
    lying = poses(neck=(100, 50), right_hip=(200, 45), left_hip=(200, 55))
    radius = 1.3 * 26
    np.testing.assert_allclose(find_heads(lying), [[100 - 1.2 * radius, 50, radius, radius, 0.7]], rtol=1e-5)
    (small,) = find_heads(poses(right_shoulder=(98, 100), left_shoulder=(102, 100)), least_radius=10)
    np.testing.assert_allclose(small, [100, 100 - 15.6, 13, 13, 0.7], rtol=1e-5)


def test_of_somebody_without_head_and_shoulders_there_is_none():
    assert len(find_heads(poses(right_knee=(10, 10), right_ankle=(10, 40)))) == 0
    assert len(find_heads(Poses.empty(HUMAN_18))) == 0


def test_heads_are_round_where_they_are_shown():
    shown = poses(nose=(100, 60), neck=(100, 100), right_hip=(85, 200), left_hip=(115, 200))
    stored = poses(nose=(50, 60), neck=(50, 100), right_hip=(42.5, 200), left_hip=(57.5, 200))
    expected = find_heads(shown) / np.float32([2, 1, 2, 1, 1])
    np.testing.assert_allclose(find_heads(stored, pixel_aspect=2.0), expected, rtol=1e-5)


def test_all_heads_are_those_looked_for_and_those_of_people():
    face = poses(nose=(100, 100), right_ankle=(130, 140))
    assert len(gather_heads(face)) == 1
    other = np.float32([[5, 5, 2, 2, 0.1]])
    everything = gather_heads(Poses(*(getattr(face, n) for n in ("skeleton", "keypoints", "keypoint_scores", "scores")),
                                    heads=other))  # fmt: skip
    np.testing.assert_allclose(everything, [other[0], find_heads(face)[0]])


def test_heads_move_with_their_pixels():
    heads = np.float32([[3.5, 11.5, 8, 16, 0.3]])
    moved = move_heads(heads, lambda xy: xy + 1, (0.5, 0.25))
    np.testing.assert_allclose(moved, [[4.5, 12.5, 4, 4, 0.3]])
    np.testing.assert_allclose(heads, [[3.5, 11.5, 8, 16, 0.3]])
    assert move_heads(NO_HEADS, lambda xy: xy, 2).shape == (0, 5)


@pytest.mark.parametrize(
    ("names", "heads"),
    [(("Nose", "leftEye", "tail"), [0, 1]), (("forehead_top", "paw"), [0]), (("ahead", "nosebag"), [])],
    ids=str,
)
def test_the_head_is_known_by_names_of_any_skeleton(names, heads):
    assert (
        list_head_keypoints(Skeleton("beast", names, ((names[0], names[-1]), *((names[0], n) for n in names[1:-1]))))
        == heads
    )
