"""`for frame, poses in estimator.track(...)`: every frame once, with people who keep their identities."""

import dataclasses
import io
from fractions import Fraction

import cv2
import numpy as np
import pytest
from seeing_numbers import SeeingNumbers, person
from video_files import make_video, number_of, numbered

from nimblepose import PoseEstimator
from nimblepose.codec.options import DecodeOptions
from nimblepose.core.errors import MediaError, OptionError
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import HUMAN_18
from nimblepose.media.frames import Frame, Selection, StreamInfo
from nimblepose.media.sources import open_frames
from nimblepose.media.video import VideoFile
from nimblepose.runtime.video import DEFAULT_SMOOTHING, DEFAULT_TRACKING, find_in_frames, follow, track_frames
from nimblepose.tracking.appearance import add_colours
from nimblepose.tracking.tracker import OksTracker


@pytest.fixture
def video(tmp_path):
    return make_video(tmp_path / "clip.mp4", [numbered(n) for n in range(20)])


def test_every_frame_comes_with_its_own_people(video):
    for frame, poses in track_frames(SeeingNumbers(), VideoFile(video), None, None):
        np.testing.assert_array_equal(poses.keypoints, person(number_of(frame.image)).keypoints)
        assert poses.track_ids is None


def test_identities_and_smoothing_by_time(video):
    results = list(track_frames(SeeingNumbers(), VideoFile(video), DEFAULT_TRACKING, DEFAULT_SMOOTHING))
    assert [frame.index for frame, _ in results] == list(range(20))
    assert all(poses.track_ids.tolist() == [1] for _, poses in results)
    raw = list(track_frames(SeeingNumbers(), VideoFile(video), DEFAULT_TRACKING, None))
    assert raw[5][1].keypoints[0, 1, 0] > results[5][1].keypoints[0, 1, 0], "smoothed, it follows a little behind"


def test_without_identities_there_is_nothing_to_smooth_by(video):
    results = list(track_frames(SeeingNumbers(), VideoFile(video), None, DEFAULT_SMOOTHING))
    np.testing.assert_array_equal(results[5][1].keypoints, person(5).keypoints)


def test_a_loop_that_is_left_closes_the_source(video):
    source = VideoFile(video)
    results = track_frames(SeeingNumbers(), source, DEFAULT_TRACKING, None)
    next(results)
    results.close()
    assert list(source) == []


def test_what_is_known_is_not_looked_at_again(video):
    estimator = SeeingNumbers()
    known = [(frame.stamp, person(24)) for frame in VideoFile(video, Selection(end=0.75))]
    results = list(find_in_frames(estimator, VideoFile(video), known))
    assert estimator.seen == list(range(8, 20))
    assert [frame.index for frame, _ in results] == list(range(20))
    np.testing.assert_array_equal(results[7][1].keypoints, person(24).keypoints)


def test_people_come_with_the_colours_of_their_own_frame(video):
    for frame, poses in find_in_frames(SeeingNumbers(), VideoFile(video)):
        expected = add_colours(person(number_of(frame.image)), frame.image).limb_colours
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

    one_by_one = SeeingNumbers()
    one_by_one.stream = None
    for frame, poses in track_frames(one_by_one, Live(), None, None):
        assert taken == list(range(frame.index + 1))
        np.testing.assert_array_equal(poses.keypoints, person(frame.index).keypoints)
    assert taken == list(range(5))


def test_what_is_known_of_other_frames_is_refused(video):
    known = [(frame.stamp, person(0)) for frame in VideoFile(video, Selection(every=2))]
    with pytest.raises(MediaError, match=r"frame 1 at 0\.1 s was frame 2 at 0\.2 s before"):
        list(find_in_frames(SeeingNumbers(), VideoFile(video), known))


# A camera that moves -------------------------------------------------------------------------------------------------


class Room:
    """A recording by a hand-held camera in a papered room: what it sees, and where two people are in it."""

    info, live, dropped, problems = StreamInfo("room"), False, 0, []

    def __init__(self, size=(270, 480)):
        rng = np.random.default_rng(1)
        paper = sum(cv2.GaussianBlur(rng.normal(size=(400, 640, 3)), (0, 0), s) * s for s in (6, 12, 24))
        paper = np.clip(128 + 60 * paper / paper.std(), 0, 255).astype(np.uint8)
        self.pictures, self.people = [], []
        for f, (x, y) in enumerate(rng.integers(-30, 31, (40, 2)).tolist()):
            view, xy = paper.copy(), []
            for number, place in enumerate((150 + 3 * f, 480 - 3 * f)):
                body = person(0, (90, 30)).keypoints[0] + np.float32((place, 200 + 10 * number))
                left, top = body.min(axis=0).astype(int)
                view[top : top + 75, left - 12 : left + 14] = (220, 60, 40) if number else (30, 90, 220)
                xy.append(body + rng.normal(0, 0.5, body.shape) - (60 + x, 60 + y))
            self.pictures.append(view[60 + y : 60 + y + size[0], 60 + x : 60 + x + size[1]])
            scores = np.full((2, 18), 0.8, np.float32)
            self.people.append(Poses(HUMAN_18, np.float32(xy), scores, np.full(2, 0.8, np.float32)))

    def __iter__(self):
        return (Frame(number, number / 25, picture) for number, picture in enumerate(self.pictures))

    def close(self):
        pass

    def stream(self, pictures, *, pixel_aspect=1.0):
        """As an estimator: who is in the picture."""
        return (self.people[[p is picture for p in self.pictures].index(True)] for picture in pictures)


def test_a_camera_that_shakes_with_two_people_in_view_costs_nobody_the_identity():
    room = Room()
    named = [poses.track_ids.tolist() for _, poses in track_frames(room, room, DEFAULT_TRACKING, None)]
    assert named == [[1, 2]] * 40
    found = [
        (frame, dataclasses.replace(poses, camera_shift=(0.0, 0.0))) for frame, poses in find_in_frames(room, room)
    ]
    untold = [set(poses.track_ids.tolist()) for _, poses in follow(found, OksTracker(), None, live=False)]
    assert len(set().union(*untold)) > 2, "who is not told cannot know"


def test_people_come_with_what_the_camera_did_and_a_resumed_run_goes_on_with_the_same():
    room = Room()
    whole = list(find_in_frames(room, room))
    assert sum(poses.camera_shift != (0, 0) for _, poses in whole) > 35
    known = [(frame.stamp, poses) for frame, poses in whole[:15]]
    resumed = list(find_in_frames(room, room, known))
    assert [poses.camera_shift for _, poses in resumed] == [poses.camera_shift for _, poses in whole]
    assert [poses.shot for _, poses in resumed] == [0] * 40


# Trackers and smoothers of one's own ---------------------------------------------------------------------------------


class ByPlace:
    """A tracker of three lines: who is further left has the lower number; in a file of its own it needs no more."""

    def update(self, poses, time):
        order = np.argsort(np.argsort(poses.keypoints[:, 0, 0]))
        return dataclasses.replace(poses, track_ids=10 + order)


class Shift:
    """A smoother that moves everybody to the right."""

    def update(self, poses, time):
        return dataclasses.replace(poses, keypoints=poses.keypoints + np.float32((1, 0)))


def test_a_tracker_and_a_smoother_of_ones_own_take_the_place_of_ours(video):
    results = list(track_frames(SeeingNumbers(), VideoFile(video), ByPlace, Shift))
    assert [poses.track_ids.tolist() for _, poses in results] == [[10]] * 20
    for number, (_, poses) in enumerate(results):
        np.testing.assert_array_equal(poses.keypoints, person(number).keypoints + np.float32((1, 0)))


def test_every_stream_has_a_tracker_of_its_own(dots, video):
    """What is passed starts one, so that two streams do not share what it remembers."""
    started = []

    def start():
        started.append(ByPlace())
        return started[-1]

    streams = [dots.track(video, tracking=start, smoothing=None) for _ in range(2)]
    for frames in zip(*streams, strict=True):
        assert [poses.track_ids.tolist() for _, poses in frames] == [[10], [10]]
    assert len(started) == 2


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


def test_frames_of_a_camera_that_hangs_on_its_side_are_turned(dots, video):
    upright = [frame.image for frame, _ in dots.track(video, tracking=None)]
    turned = list(dots.track(video, rotation=90, tracking=None))
    for image, (frame, poses) in zip(upright, turned, strict=True):
        np.testing.assert_array_equal(frame.image, np.rot90(image, -1))
        np.testing.assert_array_equal(poses.keypoints, dots(frame.image).keypoints)
    with pytest.raises(OptionError, match="90, 180 or 270"):
        dots.track(video, rotation=45)


def test_what_went_wrong_on_the_way_is_logged_once(dots, tmp_path, caplog):
    path = make_video(tmp_path / "a.mp4", [numbered(n) for n in range(20)], container_options={"movflags": "faststart"})
    path.write_bytes(path.read_bytes()[:-300])
    assert len(list(dots.track(path))) < 20
    assert caplog.text.count("breaks off") == 1


def test_a_wrong_source_is_said_at_once(dots, tmp_path):
    with pytest.raises(MediaError, match="no such file"):
        dots.track(tmp_path / "missing.mp4")


def test_a_source_that_another_made(dots, video):
    assert len(list(track_frames(dots, open_frames(video), DEFAULT_TRACKING, None))) == 20


def test_guesses_are_not_followed(dots_model, video):
    estimator = PoseEstimator(dots_model, input_height=64, decode=DecodeOptions(complete=True))
    with pytest.raises(OptionError, match="for pictures"):
        estimator.track(video)


@pytest.mark.parametrize("live", [False, True])
def test_the_shape_of_pixels_reaches_the_network(tmp_path, live):
    """`info.pixel_aspect` is known with the first frame: nobody may ask for it before."""

    class Shapes(SeeingNumbers):
        def estimate(self, picture, *, pixel_aspect=1.0):
            self.aspects = [*getattr(self, "aspects", []), pixel_aspect]
            return super().estimate(picture)

        def stream(self, pictures, *, pixel_aspect=1.0):
            return (self.estimate(picture, pixel_aspect=pixel_aspect) for picture in pictures)

    path = make_video(tmp_path / "pal.mp4", [numbered(n) for n in range(4)], aspect=Fraction(64, 45))
    source, estimator = VideoFile(path), Shapes()
    source.live = live
    assert len(list(find_in_frames(estimator, source))) == 4
    assert estimator.aspects == [pytest.approx(64 / 45)] * 4


class Ahead:
    """A tracker that says which of its two ways was taken."""

    def update(self, poses, time):
        return dataclasses.replace(poses, track_ids=np.full(len(poses), 1))

    def track_recording(self, people):
        for frame, poses in people:
            yield frame, dataclasses.replace(poses, track_ids=np.full(len(poses), 2))


@pytest.mark.parametrize(("live", "identity"), [(False, 2), (True, 1)])
def test_a_tracker_looks_ahead_in_recordings_only(video, live, identity):
    source = VideoFile(video)
    source.live = live
    results = list(track_frames(SeeingNumbers(), source, Ahead, None))
    assert [poses.track_ids.tolist() for _, poses in results] == [[identity]] * 20


def test_smoothing_is_told_the_time_of_each_frame(video):
    class Clock:
        def update(self, poses, time):
            return dataclasses.replace(poses, keypoints=np.full_like(poses.keypoints, time))

    results = list(track_frames(SeeingNumbers(), VideoFile(video), ByPlace, Clock))
    assert [float(poses.keypoints[0, 0, 0]) for _, poses in results] == pytest.approx([n / 10 for n in range(20)])


def test_a_source_without_a_frame_has_nobody(video):
    estimator = SeeingNumbers()
    assert list(find_in_frames(estimator, VideoFile(video, Selection(start=60)))) == []
    assert list(find_in_frames(estimator, VideoFile(video, Selection(start=60)), [(None, None)])) == []
    assert estimator.seen == []


def test_shots_are_counted_on_from_what_is_known():
    """A cut is where layout and colours change; that the frames before it are known already changes nothing."""
    rng = np.random.default_rng(0)
    scenes = [rng.integers(0, 90, (48, 64, 3), np.uint8), rng.integers(160, 256, (48, 64, 3), np.uint8)]
    frames = [Frame(n, n / 10, scenes[n // 3 % 2]) for n in range(9)]

    class Film:
        info, live, dropped, problems = StreamInfo("film"), False, 0, []

        def __iter__(self):
            return iter(frames)

    class Nobody:
        def stream(self, pictures, *, pixel_aspect=1.0):
            return (person(0) for _ in pictures)

    whole = list(find_in_frames(Nobody(), Film()))
    assert [poses.shot for _, poses in whole] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    for known in (1, 3, 5):
        resumed = find_in_frames(Nobody(), Film(), [(frame.stamp, poses) for frame, poses in whole[:known]])
        assert [poses.shot for _, poses in resumed] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
