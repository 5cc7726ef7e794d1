"""A loop of one's own over frames gives the identities that `track` gives."""

from itertools import count
from types import SimpleNamespace

import numpy as np
import pytest

from nimblepose import DecodeOptions, Follower, OptionError, PoseError, PoseEstimator, TrackOptions, read_picture
from nimblepose.core.errors import MediaError
from nimblepose.media.frames import Frame, StreamInfo
from nimblepose.runtime import following
from nimblepose.runtime.models import DEMO_PICTURE
from nimblepose.runtime.video import track_frames

pytest.importorskip("scipy")


@pytest.fixture(scope="module")
def estimator():
    return PoseEstimator(input_height=128)


@pytest.fixture(scope="module")
def frames():
    """The people of the demo walk to the left; in the middle nobody is there."""
    picture = read_picture(DEMO_PICTURE)[::2, ::2]
    moved = [np.ascontiguousarray(np.roll(picture, -3 * n, axis=1)) for n in range(10)]
    return [np.zeros_like(picture) if n in (4, 5) else one for n, one in enumerate(moved)]


def test_people_keep_their_identities(estimator, frames):
    follow = estimator.follow(tracking=TrackOptions(min_sightings=1))
    assert isinstance(follow, Follower)
    found = [follow(frame, n / 10) for n, frame in enumerate(frames)]
    first = set(found[0].track_ids.tolist())
    assert len(first) == 3
    assert [len(poses) for poses in found[4:6]] == [0, 0]
    assert set(found[-1].track_ids.tolist()) == first


class Camera:
    info, live, dropped, problems = StreamInfo("camera"), True, 0, ()

    def __init__(self, frames):
        self.frames = frames

    def __iter__(self):
        return (Frame(n, n / 10, frame) for n, frame in enumerate(self.frames))

    def close(self):
        pass


@pytest.mark.parametrize("quality", [None, "fast"])
def test_it_is_what_track_gives_of_a_live_source(frames, quality):
    estimator = PoseEstimator(quality=quality, input_height=128)
    follow = estimator.follow()
    mine = [follow(frame, n / 10) for n, frame in enumerate(frames)]

    tracked = track_frames(estimator.for_frames(), Camera(frames), TrackOptions(), None)
    unsmoothed = estimator.follow(smoothing=None)
    for n, (_, poses) in enumerate(tracked):
        again = unsmoothed(frames[n], n / 10)
        np.testing.assert_array_equal(again.track_ids, poses.track_ids)
        np.testing.assert_array_equal(again.keypoints, poses.keypoints)
        np.testing.assert_array_equal(mine[n].track_ids, poses.track_ids)


def test_the_clock_is_asked_where_no_time_is_given(estimator, frames, monkeypatch):
    ticks = count(100)
    monkeypatch.setattr(following, "clock", SimpleNamespace(monotonic=lambda: next(ticks) / 25))
    follow = estimator.follow(tracking=TrackOptions(min_sightings=1))
    ids = [follow(frame).track_ids.tolist() for frame in frames[:3]]
    assert ids[0] == ids[2]


def test_times_must_grow(estimator, frames):
    follow = estimator.follow()
    follow(frames[0], 1.0)
    with pytest.raises(OptionError, match=r"a picture at 1.0 s comes after one at 1.0 s; times must grow"):
        follow(frames[0], 1.0)
    follow(frames[0], 1.1)
    with pytest.raises(OptionError, match="nan"):
        follow(frames[0], float("nan"))


def test_what_is_no_picture_is_refused_and_the_next_is_taken(estimator, frames):
    follow = estimator.follow()
    with pytest.raises(MediaError, match="expected a picture of shape"):
        follow(np.zeros((2, 4, 4, 3), np.uint8), 0.0)
    assert len(follow(frames[0], 0.0)) <= 3


def test_after_an_error_it_says_that_it_has_ended(estimator, frames):
    class Broken:
        def update(self, poses, time):
            raise RuntimeError("broken")

    follow = estimator.follow(tracking=Broken)
    with pytest.raises(RuntimeError, match="broken"):
        follow(frames[0], 0.0)
    with pytest.raises(PoseError, match=r"begin anew with estimator\.follow\(\)"):
        follow(frames[0], 1.0)


def test_guesses_are_not_followed():
    with pytest.raises(OptionError, match="complete=True"):
        PoseEstimator(decode=DecodeOptions(complete=True)).follow()
