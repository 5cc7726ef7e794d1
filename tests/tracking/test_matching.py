"""Weak sightings go on with who was just seen; whoever comes back is known again once they are surely there."""

import dataclasses

import numpy as np
import pytest
from tests.tracking import test_recordings
from tests.tracking.conftest import poses, standing

from nimblepose.core.skeleton import HUMAN_18
from nimblepose.tracking.tracks import start_tracks

SURE, WEAK = 0.8, 0.5
FRONT, BEHIND, ELSEWHERE = standing((100, 200)), standing((120, 200)), standing((400, 200))
LEGS = [k for k, name in enumerate(HUMAN_18.keypoints) if name.split("_")[-1] in ("hip", "knee", "ankle")]


def only(person, kept):
    """Nothing but these keypoints of a person."""
    part = np.full_like(person, np.nan)
    part[kept] = person[kept]
    return part


def walk(frames):
    """The same people, who walk to the right: nobody takes the pictures for repeated ones."""
    return [dataclasses.replace(f, keypoints=f.keypoints + np.float32([3 * n, 0])) for n, f in enumerate(frames)]


def live(frames):
    return test_recordings.live(walk(frames))


def record(frames):
    return test_recordings.record(walk(frames))


HIDING = [poses([FRONT, BEHIND], scores=SURE)] * 5 + [poses([FRONT], scores=SURE)] * 5
TWO = poses([FRONT, BEHIND], scores=[SURE, WEAK])


def test_a_weak_sighting_beside_somebody_does_not_take_the_identity_of_whoever_is_hidden():
    flickering = HIDING + [TWO, poses([FRONT], scores=SURE)] * 3
    assert live(flickering)[10:] == [[1]] * 6
    assert record(flickering)[10:] == [[1]] * 6


def test_whoever_is_seen_weakly_for_some_frames_is_sooner_somebody_missing_than_a_newcomer():
    assert live(HIDING + [TWO] * 4)[10:] == [[1], [1], [1, 2], [1, 2]]
    assert record(HIDING + [TWO] * 4)[10:] == [[1, 2]] * 4


def test_a_sure_sighting_makes_a_tentative_one_somebody_missing_at_once():
    frames = [*HIDING, TWO, poses([FRONT, BEHIND], scores=SURE)] + [poses([FRONT], scores=SURE)] * 3
    assert live(frames)[10:12] == [[1], [1, 2]]
    assert record(frames)[10:12] == [[1, 2]] * 2


@pytest.mark.parametrize("count", [1, 2])
def test_at_the_end_of_a_recording_it_is_sooner_somebody_missing_too(count):
    assert record(HIDING + [TWO] * count)[10:] == [[1, 2]] * count


def test_repeated_pictures_make_somebody_known_again():
    still = [*walk([*HIDING, TWO]), *walk([*HIDING, TWO])[-1:] * 7]
    assert test_recordings.record(still)[10:] == [[1, 2]] * 8


def test_weakly_seen_alone_is_still_the_person():
    frames = [poses([FRONT, ELSEWHERE], scores=SURE)] * 5 + [poses([ELSEWHERE], scores=SURE)] * 5
    assert live([*frames, poses([FRONT, ELSEWHERE], scores=[WEAK, SURE])])[-1] == [1, 2]


def test_who_was_seen_beside_somebody_is_somebody_else():
    """Tentative since a frame in which both were seen; then the one goes, and the other is sure."""
    beside = standing((430, 200))
    frames = [poses([FRONT, ELSEWHERE], scores=SURE)] * 5
    frames += [poses([FRONT, ELSEWHERE, beside], scores=[SURE, SURE, WEAK])] * 2
    frames += [poses([FRONT, beside], scores=[SURE, WEAK])] * 2
    assert live(frames)[-1] == [1, 3]
    assert record(frames)[5:] == [[1, 2, 3]] * 2 + [[1, 3]] * 2


def test_a_part_gives_way_to_the_whole():
    """The legs lie where they are expected, the whole body does not, as after a jump: it is still the person."""
    moved = standing((112, 200))
    frames = [poses([FRONT], scores=SURE)] * 5
    assert live([*frames, poses([moved], scores=SURE)])[-1] == [1]
    whole = poses([only(FRONT, LEGS), moved], scores=[WEAK, SURE])
    assert live([*frames, whole])[-1] == [1]
    assert record([*frames, whole, *[poses([moved], scores=SURE)] * 5])[-1] == [1]


def test_a_part_shows_its_share_of_a_track():
    whole = poses([FRONT])
    tracks = start_tracks(whole, 0.0)
    shown = tracks.weigh(poses([FRONT, only(FRONT, LEGS), np.full_like(FRONT, np.nan)]))
    np.testing.assert_allclose(shown, [[0.7, 0.7 * len(LEGS) / 18, 0]], rtol=1e-6)
    faded = start_tracks(poses([only(FRONT, LEGS)]), 0.0).predict(1.0)
    np.testing.assert_allclose(faded.weigh(whole), [[0.7]], rtol=1e-6)  # never seen, never missed
