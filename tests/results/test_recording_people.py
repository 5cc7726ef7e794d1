"""Nobody is lost between the tracker and the files: weak people, short, sparse and broken recordings."""

import dataclasses
import json

import numpy as np
import pytest
from seeing_numbers import SeeingNumbers, person
from video_files import make_video, number_of, numbered

from nimblepose.core.poses import Poses
from nimblepose.media.frames import Selection
from nimblepose.media.video import VideoFile
from nimblepose.results.recording import Recording, RecordOptions
from nimblepose.results.video_sink import VideoSinkOptions
from nimblepose.runtime.video import DEFAULT_TRACKING, track_frames

NUMBERS = RecordOptions(sink=VideoSinkOptions(video=False))


class SeeingTwo(SeeingNumbers):
    """Finds somebody surely and, further right, somebody weakly (from `since` on), who do not move."""

    def __init__(self, since=0, hook=lambda count: None):
        super().__init__(hook)
        self._since = since

    def estimate(self, picture, *, pixel_aspect=1.0):
        super().estimate(picture)
        one = person(0, picture.shape[:2])
        if number_of(picture) < self._since:
            return one
        keypoints = np.concatenate([one.keypoints, one.keypoints + np.float32((30, 0))])
        scores = np.float32([0.7, 0.4])
        return Poses(one.skeleton, keypoints, np.repeat(one.keypoint_scores, 2, axis=0), scores)


def record(source, stem, options, estimator):
    stem.parent.mkdir(exist_ok=True)
    recording = Recording(estimator, source, stem, options)
    try:
        steps = [step for step in recording if step.stage == "write"]
        recording.finish()
    finally:
        recording.abandon()
    assert [step.stamp.index for step in steps] == sorted(step.stamp.index for step in steps)
    found = [json.loads(line) for line in (stem.parent / f"{stem.name}.poses.jsonl").read_text().splitlines()]
    return [[person["track_id"] for person in line["people"]] for line in found]


@pytest.mark.parametrize("smoothing", ["off", "live", "offline"])
@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("drawn", [True, False])
def test_a_clip_of_few_frames_shows_everybody_in_all_of_them(tmp_path, count, smoothing, drawn):
    video = make_video(tmp_path / "clip.mp4", [numbered(n) for n in range(count)])
    options = RecordOptions(smoothing=smoothing, sink=VideoSinkOptions(video=drawn))
    assert record(video, tmp_path / "a", options, SeeingTwo()) == [[1, 2]] * count


@pytest.mark.parametrize("smoothing", ["live", "offline"])
def test_stills_seconds_apart_are_of_the_same_people(tmp_path, smoothing):
    stills = make_video(tmp_path / "stills.mp4", [numbered(n) for n in range(4)], times=[0, 5, 10, 15])
    options = dataclasses.replace(NUMBERS, smoothing=smoothing)
    assert record(stills, tmp_path / "a", options, SeeingTwo()) == [[1, 2]] * 4


def test_every_50th_frame_is_of_the_same_people(tmp_path):
    video = make_video(tmp_path / "long.mp4", [numbered(n // 50) for n in range(200)], rate=12)
    options = dataclasses.replace(NUMBERS, selection=Selection(every=50))
    assert record(video, tmp_path / "a", options, SeeingTwo(since=1)) == [[1], [1, 2], [1, 2], [1, 2]]


def test_python_gets_the_same_people(tmp_path):
    video = make_video(tmp_path / "clip.mp4", [numbered(n) for n in range(5)])
    source = VideoFile(video)
    found = list(track_frames(SeeingTwo(since=2), source, DEFAULT_TRACKING, None))
    assert [poses.track_ids.tolist() for _, poses in found] == [[1], [1], [1, 2], [1, 2], [1, 2]]
    assert [number_of(frame.image) for frame, _ in found] == list(range(5)), "each with its own picture"


def test_a_live_source_shows_the_weak_when_they_are_known(tmp_path):
    source = VideoFile(make_video(tmp_path / "clip.mp4", [numbered(n) for n in range(5)]))
    source.live = True
    found = list(track_frames(SeeingTwo(), source, DEFAULT_TRACKING, None))
    assert [poses.track_ids.tolist() for _, poses in found] == [[1], [1], [1, 2], [1, 2], [1, 2]]


class CrashError(Exception):
    pass


@pytest.mark.parametrize("smoothing", ["live", "offline"])
@pytest.mark.parametrize("drawn", [True, False])
def test_broken_off_while_somebody_is_tentative_a_run_is_resumed_to_the_same_files(tmp_path, smoothing, drawn):
    video = make_video(tmp_path / "clip.mp4", [numbered(n) for n in range(8)])
    options = RecordOptions(smoothing=smoothing, sink=VideoSinkOptions(video=drawn))

    def crash_at(count):
        def hook(number):
            if number == count:
                raise CrashError

        return hook

    record(video, tmp_path / "whole" / "a", options, SeeingTwo(since=3))
    seen = []
    for crash in (4, 1, 1):
        estimator = SeeingTwo(3, crash_at(crash))
        with pytest.raises(CrashError):
            record(video, tmp_path / "broken" / "a", dataclasses.replace(options, resume=True), estimator)
        seen += estimator.seen
    last = SeeingTwo(3)
    found = record(video, tmp_path / "broken" / "a", dataclasses.replace(options, resume=True), last)
    assert found == [[1]] * 3 + [[1, 2]] * 5
    assert seen + last.seen == list(range(8)), "no frame twice"
    name = "a.poses.jsonl"
    assert (tmp_path / "broken" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


# A cut ----------------------------------------------------------------------------------------------------------------


def scene(number):
    """Like `numbered`, in one of two rooms: until frame 4 bright on the right, then coloured below."""
    picture = numbered(number % 4, (96, 128))
    if number >= 4:
        picture[:, 50:] = (20, 20, 120)
        picture[60:, 50:] = (240, 120, 30)
    return picture


class Staying(SeeingNumbers):
    """Finds somebody in the same place of every picture."""

    def estimate(self, picture, *, pixel_aspect=1.0):
        super().estimate(picture)
        return person(0, picture.shape[:2])


@pytest.mark.parametrize("smoothing", ["live", "offline"])
@pytest.mark.parametrize("drawn", [True, False])
@pytest.mark.parametrize("broken_at", [3, 4, 5])
def test_nobody_inherits_an_identity_across_a_cut_nor_where_the_run_was_broken_off(
    tmp_path, smoothing, drawn, broken_at
):
    video = make_video(tmp_path / "clip.mp4", [scene(n) for n in range(8)], options={"crf": "10"})
    options = RecordOptions(smoothing=smoothing, sink=VideoSinkOptions(video=drawn))
    assert record(video, tmp_path / "whole" / "a", options, Staying()) == [[1]] * 4 + [[2]] * 4

    def crash(number):
        if number == broken_at:
            raise CrashError

    with pytest.raises(CrashError):
        record(video, tmp_path / "broken" / "a", options, Staying(crash))
    resumed = record(video, tmp_path / "broken" / "a", dataclasses.replace(options, resume=True), Staying())
    assert resumed == [[1]] * 4 + [[2]] * 4
