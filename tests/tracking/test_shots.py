"""A cut is told from what happens within a shot."""

from itertools import pairwise

import numpy as np
import pytest
from tests.tracking.conftest import RATE, poses, standing
from tests.tracking.test_recordings import Place

from nimblepose.core.skeleton import HUMAN_18
from nimblepose.tracking.shots import ShotCounter, has_contrast, is_cut, shrink
from nimblepose.tracking.tracker import OksTracker


def draw(seed, size=(180, 320)):
    """A picture of a dozen coloured boards, as rooms have them."""
    rng = np.random.default_rng(seed)
    picture = np.full((*size, 3), rng.integers(40, 216, 3), np.uint8)
    for _ in range(12):
        y, x = rng.uniform(0, 0.8, 2) * size
        h, w = rng.uniform(0.2, 0.6, 2) * size
        picture[int(y) : int(y + h), int(x) : int(x + w)] = rng.integers(0, 256, 3)
    return picture


def count(*pictures):
    shots = ShotCounter()
    return [shots.count(picture) for picture in pictures]


@pytest.mark.parametrize("seed", range(5))
def test_another_picture_is_another_shot(seed):
    a, b = draw(2 * seed), draw(2 * seed + 1)
    assert count(a, a, b, b, a) == [0, 0, 1, 1, 2]
    assert count(draw(2 * seed, (720, 1280)), draw(2 * seed + 1, (720, 1280)))[-1] == 1


@pytest.mark.parametrize("seed", range(5))
def test_what_happens_within_a_shot_is_no_cut(seed):
    whole = draw(seed, (180, 400))
    here, shaken, panned = whole[:, :320], whole[:, 15:335], whole[:, 60:380]
    darker, noisy = (here * 0.6).astype(np.uint8), here + np.random.default_rng(0).integers(0, 9, here.shape)
    somebody = here.copy()
    somebody[20:, 100:180] = (200, 30, 30)
    for other in (shaken, panned, darker, np.clip(noisy, 0, 255).astype(np.uint8), somebody):
        assert count(here, other) == [0, 0]


def test_pictures_that_show_nothing_are_passed_over():
    """A frame is lost, or the picture fades to black and comes back."""
    a, b, black = draw(0), draw(1), np.zeros((180, 320, 3), np.uint8)
    assert count(a, black, a, black + 255, a) == [0] * 5
    assert count(a, black, b) == [0, 0, 1]
    assert count(black, black) == [0, 0]


def test_what_was_said_before_stays():
    shots, a, b, c = ShotCounter(), draw(0), draw(1), draw(2)
    assert shots.count(a, known=3) == 3
    assert [shots.count(picture) for picture in (a, b)] == [3, 4]
    assert shots.count(c, known=4) == 4
    assert shots.count(c) == 4


def test_small_and_flat_pictures_are_pictures():
    for size in ((1, 1), (1, 500), (500, 1)):
        assert count(np.zeros((*size, 3), np.uint8), np.full((*size, 3), 255, np.uint8)) == [0, 0]


def in_shot(people, shot):
    people = poses(people) if not hasattr(people, "shot") else people
    return type(people)(HUMAN_18, people.keypoints, people.keypoint_scores, people.scores, shot=shot)


def test_nobody_is_followed_across_a_cut():
    here, frames = standing((100, 200)), []
    frames = [in_shot([here], shot) for shot in (0, 0, 1, 1, 2)]
    tracker = OksTracker()
    assert [tracker.update(f, n / RATE).track_ids.tolist() for n, f in enumerate(frames)] == [[1], [1], [2], [2], [3]]
    people = [(Place(n, n / RATE), frame) for n, frame in enumerate(frames)]
    recorded = [p.track_ids.tolist() for _, p in OksTracker().track_recording(people)]
    assert recorded == [[1], [1], [2], [2], [3]]


def test_whoever_is_tentative_when_the_shot_ends_was_somebody():
    weak = poses([standing((100, 200))], scores=0.5)
    frames = [in_shot(weak, shot) for shot in (0, 0, 0, 1, 2, 2)]
    people = [(Place(n, n / RATE), frame) for n, frame in enumerate(frames)]
    recorded = [p.track_ids.tolist() for _, p in OksTracker().track_recording(people)]
    assert recorded == [[1], [1], [1], [2], [3], [3]]


def test_frames_seconds_apart_are_told_by_clothes_alone():
    """What was in front of the camera has changed so much that the counter may see a cut in it."""
    frames = [in_shot([standing((100, 200))], shot) for shot in (0, 1, 1, 2)]
    people = [(Place(n, 2.0 * n), frame) for n, frame in enumerate(frames)]
    assert [p.track_ids.tolist() for _, p in OksTracker().track_recording(people)] == [[1]] * 4


def test_a_tracker_that_starts_anew_takes_any_shot():
    tracker, frame = OksTracker(), in_shot([standing((100, 200))], 5)
    assert tracker.update(frame, 0.0).track_ids.tolist() == [1]
    assert tracker.update(frame, 0.1).track_ids.tolist() == [1]


def test_shrunken_pictures_tell_cuts_as_the_counter_does():
    pictures = [draw(n // 2) for n in range(12)] + [(draw(5) * 0.5).astype(np.uint8), draw(9, (720, 1280))]
    small = [shrink(picture) for picture in pictures]
    assert [int(is_cut(a, b)) for a, b in pairwise(small)] == np.diff(count(*pictures)).tolist()
    assert all(map(has_contrast, small))
    assert not has_contrast(shrink(np.full((90, 160, 3), 7, np.uint8)))
