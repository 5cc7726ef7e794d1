"""What moves is found where it is, by three frames."""

import numpy as np
import pytest

from nimblepose.looks.motion import MotionFinder


def make_frames(count=40, *, speed=8, size=(1080, 1920), noise=3.0):
    """A bright figure of 20 x 60 pixels on its way to the right, in the noise of a sensor."""
    rng = np.random.default_rng(0)
    for number in range(count):
        frame = np.full((*size, 3), 90, np.uint8)
        x = 100 + speed * number
        frame[500:560, x : x + 20] = 200
        shown = frame[:600, :800].astype(np.float32) + rng.normal(0, noise, (600, 800, 1))
        frame[:600, :800] = shown.clip(0, 255)
        yield number / 25, frame


def test_somebody_who_walks_is_found_where_they_are():
    finder, found = MotionFinder(), []
    for number, (time, frame) in enumerate(make_frames()):
        places = finder.find(frame, time)
        if len(places):
            found.append(number)
            assert len(places) == 1
            left, top, right, bottom = places.boxes[0]
            x = 100 + 8 * number
            assert x - 12 <= left <= x + 8
            assert x + 8 <= right <= x + 32
            assert 480 <= top <= 520
            assert 540 <= bottom <= 580
            assert places.sizes[0] == pytest.approx(np.hypot(20, 60), abs=25)
    assert found == list(range(found[0], 40))
    assert found[0] / 25 <= 1, "after a second at the latest"


def test_who_stands_and_noise_are_nobody():
    finder = MotionFinder()
    assert not any(len(finder.find(frame, time)) for time, frame in make_frames(speed=0, noise=4.0))


def test_where_everything_changes_it_is_the_camera():
    finder, rng = MotionFinder(), np.random.default_rng(1)
    picture = rng.integers(0, 255, (540, 1960, 3)).astype(np.uint8)
    assert not any(len(finder.find(picture[:, 10 * n : 10 * n + 960], n / 25)) for n in range(40))


def test_pictures_seconds_apart_or_of_another_size_say_nothing():
    finder = MotionFinder()
    assert not any(len(finder.find(frame, 30 * time)) for time, frame in make_frames())
    finder = MotionFinder()
    for number, (time, frame) in enumerate(make_frames()):
        places = finder.find(frame if number < 35 else frame[:540], time)
        assert number < 35 or not len(places)
