"""A camera that shakes moves everybody at once, which makes nobody somebody else."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from tests.tracking.conftest import RATE, noisy, poses, standing

from nimblepose.tracking.camera import find_shift
from nimblepose.tracking.tracker import OksTracker
from nimblepose.tracking.tracks import start_tracks

THREE = [standing((x, y), height=60) for x, y in ((40, 100), (110, 120), (200, 90))]


def move(people, x, y):
    return [xy + np.array((x, y)) for xy in people]


def count_identities(frames):
    tracker = OksTracker()
    found = [tracker.update(frame, number / RATE).track_ids.tolist() for number, frame in enumerate(frames)]
    return max(max(ids, default=0) for ids in found), found


def shake(count, rng, pixels=15.0):
    """(count, 2) offsets of a hand-held camera."""
    return rng.uniform(-pixels, pixels, (count, 2))


@pytest.mark.parametrize("seed", range(5))
def test_a_hand_held_camera_costs_nobody_the_identity(seed):
    rng = np.random.default_rng(seed)
    frames = [poses([noisy(xy + off, rng, jitter=0.6) for xy in THREE]) for off in shake(60, rng)]
    assert count_identities(frames)[0] == 3


def seen_by(frames, offsets):
    """The same, with how far the picture has moved since the frame before, as it tells itself; hardly off."""
    shifts = [(0.0, 0.0), *(tuple(shift) for shift in np.diff(offsets, axis=0).tolist())]
    return [dataclasses.replace(frame, camera_shift=s) for frame, s in zip(frames, shifts, strict=True)]


@pytest.mark.parametrize("people", [1, 2])
@pytest.mark.parametrize("seed", range(3))
def test_of_one_or_two_people_the_picture_must_say_it(people, seed):
    rng = np.random.default_rng(seed)
    offsets = shake(60, rng, pixels=30)
    frames = [poses([noisy(xy + off, rng, jitter=0.6) for xy in THREE[:people]]) for off in offsets]
    assert count_identities(seen_by(frames, offsets + rng.normal(0, 0.5, offsets.shape)))[0] == people
    assert count_identities(frames)[0] > people, "who is told nothing cannot know"


def test_who_is_hidden_is_expected_where_the_camera_has_turned(rng):
    frames = [poses([noisy(THREE[0], rng, jitter=0.3)]) for _ in range(5)] + [poses([])] * 10
    frames += [poses([noisy(xy, rng, jitter=0.3)]) for xy in move(THREE[:1], 150, -30) * 3]
    offsets = np.array([(0, 0)] * 5 + [(15 * n, -3 * n) for n in range(1, 11)] + [(150, -30)] * 3, float)
    assert count_identities(seen_by(frames, offsets))[0] == 1
    assert count_identities(frames)[0] == 2


@pytest.mark.parametrize("live", [True, False])
def test_a_camera_that_follows_a_runner_keeps_who_stands_by(rng, live):
    """The runner stays where the picture is, and everything else moves: nobody is taken for anybody else."""
    places = [(standing((200, 200)), standing((450 - 12 * f, 190))) for f in range(35)]
    frames = [poses([noisy(xy, rng, jitter=1.0) for xy in people]) for people in places]
    frames = seen_by(frames, np.array([(-12.0 * f, 0) for f in range(35)]))
    if live:
        assert count_identities(frames)[0] == 2
        return
    people = [(SimpleNamespace(time=number / RATE), frame) for number, frame in enumerate(frames)]
    assert {i for _, named in OksTracker().track_recording(people) for i in named.track_ids.tolist()} == {1, 2}


def test_who_is_missing_moves_along(rng):
    """The camera is pushed while one of four is hidden."""
    four = [*THREE, standing((300, 100), height=60)]
    frames = [poses(four)] * 3 + [poses(THREE)] + [poses(move(THREE, 60, 20))] * 2
    frames += [poses(move(four, 60, 20))]
    frames = [poses([xy + rng.normal(0, 0.2, 2) for xy in frame.keypoints]) for frame in frames]
    assert count_identities(frames)[1][-1] == [1, 2, 3, 4]


def test_the_shift_is_what_most_agree_on(rng):
    tracks = start_tracks(poses(THREE), 0.0)
    found = [noisy(xy, rng, jitter=0.3) for xy in move(THREE[::-1], 30, -12)]
    found = poses([*found, standing((400, 300))])
    np.testing.assert_allclose(find_shift(tracks, found), (30, -12), atol=0.5)


def test_people_who_move_on_their_own_are_no_camera(rng):
    tracks = start_tracks(poses(THREE), 0.0)
    away = [xy + off for xy, off in zip(THREE, [(30, 0), (-30, 0), (0, 40)], strict=True)]
    assert find_shift(tracks, poses(away)) is None
    assert find_shift(tracks[np.arange(2)], poses(move(THREE, 30, 0))) is None, "two may be chance"
    assert find_shift(tracks, poses([])) is None
    assert find_shift(tracks, poses([np.full((18, 2), np.nan)] * 3)) is None
