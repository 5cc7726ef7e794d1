"""Threads that ask one estimator at the same time do not see each other's pictures."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from nimblepose.runtime.estimator import PoseEstimator
from nimblepose.runtime.protocols import Fields


class Meeting:
    """Lets all callers hand over their pictures before it looks at any; answers with what each has handed over."""

    def __init__(self, metadata, callers):
        self.metadata, self.callers, self.together = metadata, callers, threading.Barrier(callers, timeout=10)

    def run(self, image):
        self.together.wait()
        shade = image.mean(axis=(1, 2, 3)).reshape(-1, 1, 1, 1)
        self.together.wait()
        return Fields(np.tile(shade, (1, 4, 8, 16)), np.zeros((len(image), 4, 8, 16), np.float32))


def test_each_thread_has_its_own_input(dots_model):
    estimator = PoseEstimator(dots_model, input_height=64)
    meeting = Meeting(estimator.metadata, callers=3)
    pictures = [np.full((64, 128, 3), shade, np.uint8) for shade in (0, 100, 200)]

    def ask(picture):
        shades = []
        for _ in range(2):  # the second time the memory of the first is used again
            fields = estimator.compute_fields([picture], estimator.place(picture), meeting)
            shades.append(float(fields.heatmaps[0, 0, 0, 0]))
        return shades

    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(ask, pictures))
    expected = [(shade - 128) / 256 for shade in (0, 100, 200)]
    np.testing.assert_allclose(found, [[value, value] for value in expected], atol=1e-6)
