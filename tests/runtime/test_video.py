"""`for frame, poses in estimator.track(...)`: every frame once, with people who keep their identities."""

import io

import numpy as np
import pytest
from seeing_numbers import SeeingNumbers, person
from video_files import make_video, number_of, numbered

from nimblepose import PoseEstimator
from nimblepose.codec.options import DecodeOptions
from nimblepose.core.errors import MediaError, ModelError
from nimblepose.media.frames import Frame, Selection, StreamInfo
from nimblepose.media.sources import open_frames
from nimblepose.media.video import VideoFile
from nimblepose.runtime.video import DEFAULT_SMOOTHING, DEFAULT_TRACKING, found, tracked
from nimblepose.tracking.appearance import with_colours


@pytest.fixture
def video(tmp_path):
    return make_video(tmp_path / "clip.mp4", [numbered(n) for n in range(20)])


def test_every_frame_comes_with_its_own_people(video):
    for frame, poses in tracked(SeeingNumbers(), VideoFile(video), None, None):
        np.testing.assert_array_equal(poses.keypoints, person(number_of(frame.image)).keypoints)
        assert poses.track_ids is None


def test_identities_and_smoothing_by_time(video):
    results = list(tracked(SeeingNumbers(), VideoFile(video), DEFAULT_TRACKING, DEFAULT_SMOOTHING))
    assert [frame.index for frame, _ in results] == list(range(20))
    assert all(poses.track_ids.tolist() == [1] for _, poses in results)
    raw = list(tracked(SeeingNumbers(), VideoFile(video), DEFAULT_TRACKING, None))
    assert raw[5][1].keypoints[0, 1, 0] > results[5][1].keypoints[0, 1, 0], "smoothed, it follows a little behind"


def test_without_identities_there_is_nothing_to_smooth_by(video):
    results = list(tracked(SeeingNumbers(), VideoFile(video), None, DEFAULT_SMOOTHING))
    np.testing.assert_array_equal(results[5][1].keypoints, person(5).keypoints)


def test_a_loop_that_is_left_closes_the_source(video):
    source = VideoFile(video)
    results = tracked(SeeingNumbers(), source, DEFAULT_TRACKING, None)
    next(results)
    results.close()
    assert list(source) == []


def test_what_is_known_is_not_looked_at_again(video):
    estimator = SeeingNumbers()
    known = [(frame.stamp, person(24)) for frame in VideoFile(video, Selection(end=0.75))]
    results = list(found(estimator, VideoFile(video), known))
    assert estimator.seen == list(range(8, 20))
    assert [frame.index for frame, _ in results] == list(range(20))
    np.testing.assert_array_equal(results[7][1].keypoints, person(24).keypoints)


def test_people_come_with_the_colours_of_their_own_frame(video):
    for frame, poses in found(SeeingNumbers(), VideoFile(video)):
        expected = with_colours(person(number_of(frame.image)), frame.image).limb_colours
        np.testing.assert_array_equal(poses.limb_colours, expected)
        assert not np.isnan(expected).all()


def test_of_a_live_source_each_frame_is_done_before_the_next_is_taken():
    """Whoever takes a frame ahead shows it late."""
    taken = []

    class Live:
        info, live, dropped, problems = StreamInfo("live"), True, 0, []

        def __iter__(self):
            for number in range(5):
                taken.append(number)
                yield Frame(number, number / 10, numbered(number))

        def close(self):
            pass

    for frame, poses in tracked(SeeingNumbers(), Live(), None, None):
        assert taken == list(range(frame.index + 1))
        np.testing.assert_array_equal(poses.keypoints, person(frame.index).keypoints)
    assert taken == list(range(5))


def test_what_is_known_of_other_frames_is_refused(video):
    known = [(frame.stamp, person(0)) for frame in VideoFile(video, Selection(every=2))]
    with pytest.raises(MediaError, match=r"frame 1 at 0\.1 s was frame 2 at 0\.2 s before"):
        list(found(SeeingNumbers(), VideoFile(video), known))


# The estimator itself ------------------------------------------------------------------------------------------------


@pytest.fixture
def dots(dots_model):
    return PoseEstimator(dots_model, input_height=64, threads=2)


def test_the_estimator_tracks_files_bytes_and_parts(dots, video):
    for source in (video, str(video), io.BytesIO(video.read_bytes())):
        results = list(dots.track(source))
        assert [number_of(frame.image) for frame, _ in results] == list(range(20))
        assert all(poses.track_ids.tolist() == [1] for _, poses in results)
    part = [frame.index for frame, _ in dots.track(video, selection=Selection(every=5, start=0.3))]
    assert part == [5, 10, 15]


def test_the_estimator_finds_the_same_in_a_video_as_in_its_pictures(dots, video):
    for frame, poses in dots.track(video, tracking=None):
        np.testing.assert_array_equal(poses.keypoints, dots(frame.image).keypoints)


def test_what_went_wrong_on_the_way_is_logged_once(dots, tmp_path, caplog):
    path = make_video(tmp_path / "a.mp4", [numbered(n) for n in range(20)], container_options={"movflags": "faststart"})
    path.write_bytes(path.read_bytes()[:-300])
    assert len(list(dots.track(path))) < 20
    assert caplog.text.count("breaks off") == 1


def test_a_wrong_source_is_said_at_once(dots, tmp_path):
    with pytest.raises(MediaError, match="no such file"):
        dots.track(tmp_path / "missing.mp4")


def test_a_source_that_another_made(dots, video):
    assert len(list(tracked(dots, open_frames(video), DEFAULT_TRACKING, None))) == 20


def test_guesses_are_not_followed(dots_model, video):
    estimator = PoseEstimator(dots_model, input_height=64, decode=DecodeOptions(complete=True))
    with pytest.raises(ModelError, match="for pictures"):
        estimator.track(video)
