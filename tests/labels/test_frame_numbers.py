"""Times are frames where they lie on a grid, and nothing but an order where they do not."""

import numpy as np
import pytest

from nimblepose.labels.frame_numbers import number_frames


@pytest.mark.parametrize("rate", [24000 / 1001, 25, 30, 60000 / 1001, 240])
@pytest.mark.parametrize("digits", [3, 6])
def test_times_become_the_frames_that_they_were(rate, digits):
    if digits == 3 and rate > 100:
        pytest.skip("a millisecond is a quarter of a frame")
    rng = np.random.default_rng(0)
    frames = np.unique(np.append(rng.integers(0, 20_000, 9_000), [7, 8]))
    times = np.round(frames / rate, digits).tolist()
    assert number_frames(times, rate) == frames.tolist()
    if digits == 6:  # the shortest step tells the rate
        assert number_frames(times) == frames.tolist()


def test_every_second_frame_needs_the_rate():
    assert number_frames([0.08, 0.16, 0.32], 25) == [2, 4, 8]
    assert number_frames([0.08, 0.16, 0.32]) == [1, 2, 4]


def test_a_recording_that_begins_within_a_session_counts_from_its_first_sample():
    assert number_frames([100.013, 100.053, 100.133]) == [0, 1, 3]
    assert number_frames([-0.04, 0.0, 0.08]) == [0, 1, 3]


@pytest.mark.parametrize("times", [[], [3.3], [0.0, 0.02, 0.05], [0.0, 1e-320, 1.0], [0.0, 0.04, 1e17]])
def test_without_a_grid_samples_are_counted(times):
    assert number_frames(times) == list(range(len(times)))


def test_two_samples_of_one_frame_are_counted():
    assert number_frames([0.0, 0.001, 0.04], 25) == [0, 1, 2]
