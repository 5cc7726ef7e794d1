"""Of a recording nobody is lost because it is short or sparse, or because they were found weakly at first."""

import dataclasses
from typing import NamedTuple

import numpy as np
import pytest
from tests.tracking.conftest import RATE, poses, shimmer, standing
from tests.tracking.test_tracker import BLUE, RED, dressed

from nimblepose.core.errors import PoseError
from nimblepose.tracking.protocols import RecordingTracker
from nimblepose.tracking.tracker import OksTracker, TrackOptions

A, B, C = (standing((x, 200)) for x in (100, 300, 500))
WEAK, SURE = 0.5, 0.8


class Place(NamedTuple):
    number: int
    time: float


def record(frames, *, step=1 / RATE, options=None):
    """Identities of each frame of a recording, as lists."""
    people = [(Place(number, number * step), shimmer(frame, number)) for number, frame in enumerate(frames)]
    tracked = list(OksTracker(options or TrackOptions()).track_recording(iter(people)))
    assert [place.number for place, _ in tracked] == list(range(len(frames))), "every frame, in order"
    return [frame.track_ids.tolist() for _, frame in tracked]


def live(frames, *, step=1 / RATE):
    """The same as a live stream."""
    tracker = OksTracker()
    return [
        tracker.update(shimmer(frame, number), number * step).track_ids.tolist() for number, frame in enumerate(frames)
    ]


def weak(*people):
    return poses(people, scores=WEAK)


NOBODY = poses([])


def test_our_tracker_looks_ahead_and_others_need_not():
    class Plain:
        def update(self, poses, time):
            return poses

    assert isinstance(OksTracker(), RecordingTracker)
    assert not isinstance(Plain(), RecordingTracker)


# Short ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_a_short_clip_shows_everybody_in_every_frame(count):
    mixed = [poses([A, B, C], scores=[SURE, WEAK, WEAK])] * count
    assert record(mixed) == [[1, 2, 3]] * count


def test_in_two_frames_nobody_can_be_seen_three_times():
    assert record([weak(A), weak(B)]) == [[1], [2]]
    assert record([weak(A, B), NOBODY]) == [[1, 2], []]
    assert record([]) == []


def test_the_sightings_that_made_somebody_known_are_given_back():
    frames = [weak(A)] * 5 + [weak(A, B)] * 5
    assert record(frames) == [[1]] * 5 + [[1, 2]] * 5
    assert record([weak(A), poses([A])] + [NOBODY] * 5) == [[1], [1]] + [[]] * 5


def test_whoever_enters_at_the_end_is_somebody():
    assert record([NOBODY] * 10 + [weak(A)]) == [[]] * 10 + [[1]]
    assert record([NOBODY] * 10 + [weak(A)] * 2) == [[]] * 10 + [[1]] * 2


def test_what_flickers_is_nobody_here_too():
    assert record([weak(A), weak(A), NOBODY] * 5) == [[]] * 15


def test_one_waits_for_another_and_the_order_stays():
    """B flickers while A becomes known; nobody gets anybody's number."""
    frames = [weak(B), weak(B, A), weak(A), weak(A), weak(A, C), poses([A])]
    assert record(frames) == [[], [1], [1], [1], [1], [1]]


def test_but_for_what_is_given_back_a_dense_recording_is_followed_as_a_live_stream(rng):
    frames = []
    for _ in range(60):
        found = [i for i in range(3) if rng.random() > 0.2]
        frames.append(poses([(A, B, C)[i] for i in found], scores=rng.uniform(0.5, 0.8, len(found))))
    recorded, shown = record(frames), live(frames)
    assert sum(map(len, recorded)) > sum(map(len, shown))
    for more, fewer in zip(recorded, shown, strict=True):
        assert set(fewer) <= set(more)


# Sparse ---------------------------------------------------------------------------------------------------------------


def test_stills_five_seconds_apart_show_everybody_as_the_same_people():
    frames = [poses([A, B, C], scores=[SURE, WEAK, WEAK])] * 4
    assert record(frames, step=5.0) == [[1, 2, 3]] * 4
    assert live(frames, step=5.0) == [[1], [2], [3], [4]], "a live stream is as it was"


def test_one_sighting_must_do_where_frames_are_few():
    frames = [weak(A), NOBODY, weak(standing((3000, 200)))]
    assert record(frames, step=0.6) == [[1], [], [2]]
    assert record(frames, step=0.4) == [[], [], [1]]
    assert record(frames, step=0.6, options=TrackOptions(sparse_step=1)) == [[], [], [1]]


def test_a_gap_counts_in_frames_as_well_as_in_seconds():
    frames = [poses([A]), NOBODY, poses([A])]
    assert record(frames, step=1.0) == [[1], [], [1]], "within the seconds"
    assert record(frames, step=5.0) == [[1], [], [2]]
    assert record(frames, step=5.0, options=TrackOptions(max_gap_frames=2)) == [[1], [], [1]]
    assert record([poses([A])] * 2, step=5.0, options=TrackOptions(max_gap_frames=0)) == [[1], [2]]


def test_two_walkers_seen_every_two_seconds_are_two_people():
    """Nobody is near where they were: clothes tell."""
    frames = [
        dressed(poses([standing((100 + 250 * f, 200)), standing((1100 - 250 * f, 210))]), [RED, BLUE]) for f in range(5)
    ]
    assert record(frames, step=2.0) == [[1, 2]] * 5


def test_somebody_dressed_otherwise_is_somebody_else():
    frames = [dressed(poses([A]), [colour]) for colour in (RED, RED, BLUE)]
    assert record(frames, step=5.0) == [[1], [1], [2]]
    assert record(frames) == [[1]] * 3, "not where frames are dense: who stays in place is the same"


def test_light_may_change_from_still_to_still():
    frames = [dressed(poses([A]), [np.array(RED) * 1.15**f]) for f in range(8)]
    assert record(frames, step=5.0) == [[1]] * 8


def test_people_close_together_are_not_one_seen_twice():
    """After seconds anybody may be anywhere near; those found beside each other still are two."""
    pair = [A, standing((140, 200))]
    assert record([poses(pair[:1]), poses(pair)], step=5.0) == [[1], [1, 2]]
    legs = A.copy()
    legs[[k for k in range(18) if k not in (8, 9, 10, 11, 12, 13)]] = np.nan
    assert record([poses([A]), poses([A, legs + 1])], step=5.0) == [[1], [1]], "but who is found twice is one"


# Repeated pictures ----------------------------------------------------------------------------------------------------


def repeat(frames, times):
    return [frame for frame in frames for _ in range(times)]


def identify_all(frames, rate, *, recorded):
    if recorded:
        people = [(Place(number, number / rate), frame) for number, frame in enumerate(frames)]
        return [poses.track_ids.tolist() for _, poses in OksTracker().track_recording(people)]
    tracker = OksTracker()
    return [tracker.update(frame, number / rate).track_ids.tolist() for number, frame in enumerate(frames)]


@pytest.mark.parametrize("recorded", [True, False])
def test_pictures_repeated_into_a_faster_stream_show_the_same_people(recorded):
    """Six pictures per second in thirty: somebody seems to stand still, and to jump."""
    frames = [poses([standing((100 + 40 * f, 200)), standing((900 - 40 * f, 230))]) for f in range(10)]
    once = identify_all(frames, 6, recorded=recorded)
    assert once == [[1, 2]] * 10
    assert identify_all(repeat(frames, 5), 30, recorded=recorded) == repeat(once, 5)


def test_compression_changes_a_repeated_picture_a_little(rng):
    frames = [poses([standing((100 + 25 * f, 200)), standing((900 - 25 * f, 230))]) for f in range(10)]
    off = [
        dataclasses.replace(frame, keypoints=frame.keypoints + rng.normal(0, 0.2, frame.keypoints.shape).astype("f4"))
        for frame in repeat(frames, 5)
    ]
    assert identify_all(off, 30, recorded=True) == [[1, 2]] * 50


@pytest.mark.parametrize("recorded", [True, False])
def test_what_flickers_is_nobody_however_often_a_picture_is_repeated(recorded):
    frames = repeat([weak(A), NOBODY] * 4, 5)
    assert identify_all(frames, 30, recorded=recorded) == [[]] * 40
    frames = repeat([shimmer(weak(A), number) for number in range(6)], 5)
    known = [[1]] * 30 if recorded else [[]] * 10 + [[1]] * 20
    assert identify_all(frames, 30, recorded=recorded) == known


def test_a_still_picture_shows_everybody_and_does_not_fill_the_memory():
    taken = []

    def people():
        for number in range(100):
            taken.append(number)
            yield Place(number, number / 60), weak(A)

    for place, found in OksTracker().track_recording(people()):
        assert len(taken) - place.number <= 17
        assert found.track_ids.tolist() == [1]
    assert len(taken) == 100


def test_who_is_at_rest_stays_the_same_whatever_the_light_does():
    """For half a second it might be a picture repeated; then it is looked at again, as one close to the one before."""
    frames = [dressed(poses([A]), [np.array(RED) * (0.3 + 0.07 * (f % 13))]) for f in range(60)]
    assert record(frames, step=0.1) == [[1]] * 60


def test_other_clothes_or_another_shot_are_another_picture():
    red, blue = (dressed(poses([A]), [colour]) for colour in (RED, BLUE))
    tracker = OksTracker()
    for number, frame in enumerate([red, red, blue, poses([A]), dataclasses.replace(poses([A]), shot=1)]):
        found = tracker.update(frame, number / RATE)
        np.testing.assert_array_equal(found.limb_colours, frame.limb_colours) if number < 3 else None
    assert found.track_ids.tolist() == [2]


# A stream -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("least", [1, 3, 5])
def test_few_frames_wait_however_long_the_recording(least):
    taken = []

    def people():
        for number in range(50):
            taken.append(number)
            yield Place(number, number / RATE), (shimmer(weak(A), number) if number % 7 else NOBODY)

    tracked = OksTracker(TrackOptions(min_sightings=least)).track_recording(people())
    for place, _ in tracked:
        assert len(taken) - place.number <= least
    assert len(taken) == 50


def test_what_was_seen_before_a_failure_comes_before_it():
    def people():
        yield Place(0, 0.0), weak(A)
        yield Place(1, 0.1), weak(A)
        raise PoseError("torn off")

    tracked = OksTracker().track_recording(people())
    assert [next(tracked)[1].track_ids.tolist() for _ in range(2)] == [[1], [1]]
    with pytest.raises(PoseError, match="torn off"):
        next(tracked)


def test_after_a_recording_counting_goes_on():
    tracker = OksTracker()
    assert [p.track_ids.tolist() for _, p in tracker.track_recording([(Place(0, 0.0), weak(A, B))])] == [[1, 2]]
    tracker.reset()
    assert tracker.update(poses([A]), 0.0).track_ids.tolist() == [3]
