"""Frames with attention, from a source to people: small ones are found and followed, and always in the same way."""

import dataclasses

import numpy as np
import pytest
from sharp_eyes import METADATA, SharpEyes, make_bodies

from nimblepose import PoseEstimator
from nimblepose.codec.options import DecodeOptions
from nimblepose.core.metadata import InputSpec
from nimblepose.looks.attention import AttentionOptions
from nimblepose.media.frames import Frame, StreamInfo
from nimblepose.media.pictures import read_picture
from nimblepose.runtime.attending import Attender
from nimblepose.runtime.looking import Observer
from nimblepose.runtime.models import DEMO_PICTURE
from nimblepose.runtime.quality import FRAME_QUALITIES, choose_attention
from nimblepose.runtime.video import DEFAULT_TRACKING, find_in_frames, needs_pictures, track_frames

SIZE = 720, 1280
STRIDE = InputSpec().stride


def make_frame(number, *, shown=None):
    """Somebody of 50 pixels walks to the right; the number is written where nobody looks."""
    picture = np.zeros((*SIZE, 3), np.uint8)
    place = number if shown is None else shown
    x = 200 + 6 * place
    picture[300:350, x : x + 16] = 255
    picture[0, 0] = place
    return Frame(number, number / 25, picture)


class Frames:
    info, dropped, problems = StreamInfo("frames"), 0, ()

    def __init__(self, frames, *, live=False):
        self.frames, self.live, self.taken = frames, live, []

    def __iter__(self):
        for frame in self.frames:
            self.taken.append(frame.index)
            yield frame

    def close(self):
        pass


class Watcher:
    """Sees who is between 60 and 400 input pixels tall, by plans."""

    attention = AttentionOptions()

    def __init__(self):
        self.plans, self.done = [], []

    def start_attention(self, *, ahead):
        return Attender(self.attention, stride=STRIDE, ahead=ahead)

    def watch(self, picture, canvas, *, pixel_aspect=1.0):
        number = int(picture[0, 0, 0])
        eyes = SharpEyes(make_bodies((208 + 6 * number, 325, 50)), least=60)
        observer = Observer(metadata=METADATA, options=DecodeOptions(), looks=None, bound=0, find_fields=eyes)
        self.plans.append(canvas)
        self.done.append(number)
        return observer.watch(picture, canvas, pixel_aspect=pixel_aspect)

    def watch_stream(self, frames, *, most, pixel_aspect=1.0):
        waiting = []
        for item in frames:
            waiting.append(item)
            if len(waiting) == most:
                yield self.watch(*waiting.pop(0), pixel_aspect=pixel_aspect)
        for item in waiting:
            yield self.watch(*item, pixel_aspect=pixel_aspect)

    def estimate(self, picture, *, pixel_aspect=1.0):
        raise AssertionError("frames come with plans")

    stream = estimate


def same(one, other):
    return all(
        np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True)
        for name in ("keypoints", "keypoint_scores", "scores", "limb_colours")
    )


def test_who_is_too_small_for_the_whole_frame_is_found_and_followed():
    results = list(track_frames(Watcher(), Frames([make_frame(n) for n in range(45)]), DEFAULT_TRACKING, None))
    found = [n for n, (_, poses) in enumerate(results) if len(poses)]
    assert found == list(range(found[0], 45)), "from then on in every frame"
    assert found[0] <= 25
    assert {i for _, poses in results for i in poses.track_ids.tolist()} == {1}
    for n in found:
        assert abs(results[n][1].keypoints[0, 0, 0] - (208 + 6 * n)) < 3


@pytest.mark.parametrize("known", [1, 2, 20, 33])
def test_what_is_found_is_the_same_if_a_part_is_known(known):
    frames = [make_frame(n) for n in range(40)]
    whole = list(find_in_frames(Watcher(), Frames(frames)))
    entries = [(frame.stamp, poses) for frame, poses in whole[:known]]
    watcher = Watcher()
    resumed = list(find_in_frames(watcher, Frames(frames), entries))
    assert watcher.done == list(range(known, 40))
    assert all(same(one, other) for (_, one), (_, other) in zip(whole, resumed, strict=True))


def test_of_a_live_source_each_frame_is_done_before_the_next_is_taken():
    watcher, source = Watcher(), Frames([make_frame(n) for n in range(30)], live=True)
    for frame, _ in find_in_frames(watcher, source):
        assert source.taken == watcher.done == list(range(frame.index + 1))


def test_pictures_that_come_again_are_seen_in_the_same_way():
    watcher = Watcher()
    results = list(find_in_frames(watcher, Frames([make_frame(n, shown=n // 3) for n in range(90)])))
    assert sum(len(poses) for _, poses in results) > 60
    for n in range(0, 90, 3):
        assert watcher.plans[n] is watcher.plans[n + 1] is watcher.plans[n + 2]
        assert same(results[n][1], results[n + 1][1])
    assert watcher.plans[3] is not watcher.plans[2]


def test_whether_known_frames_are_needed():
    assert needs_pictures(Watcher())
    assert not needs_pictures(PoseEstimator(input_height=128))


# The estimator itself -------------------------------------------------------------------------------------------------


def test_attention_is_chosen_by_quality():
    assert choose_attention(None) is None
    assert choose_attention("fast") is FRAME_QUALITIES["fast"]
    assert choose_attention("fast", 320) == dataclasses.replace(FRAME_QUALITIES["fast"], height=320)
    frames = PoseEstimator(quality="fast").for_frames()
    assert frames.attention is FRAME_QUALITIES["fast"]
    assert frames.for_frames() is frames
    assert PoseEstimator().for_frames().attention is None
    assert PoseEstimator().for_frames().start_attention(ahead=2) is None


def test_results_do_not_depend_on_the_number_of_threads():
    people = read_picture(DEMO_PICTURE)
    rng = np.random.default_rng(0)
    ground = rng.integers(90, 110, (720, 1280, 3)).astype(np.uint8)
    frames = []
    for n in range(6):
        picture = ground.copy()
        picture[100 : 100 + people.shape[0] // 2, 50 + 5 * n : 50 + 5 * n + people.shape[1] // 2] = people[
            : people.shape[0] // 2 * 2 : 2, : people.shape[1] // 2 * 2 : 2
        ]
        frames.append(Frame(n, n / 25, picture))
    found = []
    for threads in (1, 2, 4):
        estimator = PoseEstimator(quality="fast", threads=threads, decode=DecodeOptions(find_heads=True)).for_frames()
        found.append([poses for _, poses in find_in_frames(estimator, Frames(frames))])
    assert sum(map(len, found[0])) > 6
    for others in found[1:]:
        for one, other in zip(found[0], others, strict=True):
            assert same(one, other)
            np.testing.assert_array_equal(one.heads, other.heads)
            assert one.input_pixels == found[0][0].input_pixels
