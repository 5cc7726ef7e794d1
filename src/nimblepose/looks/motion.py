"""Where something moves before a camera that stands still: perhaps somebody too small for the whole frame."""

from collections import deque

import cv2
import numpy as np
from numpy.typing import NDArray

from nimblepose.looks.places import NOWHERE, Places

Samples = NDArray[np.uint8]

_ROWS = 270  # of samples that a frame is compared in, at least
_STEP = 0.4  # seconds after which who walks has moved by about their width
_DIFFERENT = 20  # gray levels; the noise of a sensor in the dark stays below
_LEAST = 4  # samples that differ, of somebody
_REACH = np.ones((5, 3), np.uint8)  # samples across which parts of a body are one
_MOST_MOVING = 0.2  # share of all samples from which on it is the camera that moves, or the light that changes


class MotionFinder:
    """Compares frames of one stream with two earlier ones: what moves is found where it is, not where it was."""

    def __init__(self) -> None:
        """Nothing was seen yet."""
        self._before: deque[tuple[float, Samples]] = deque()

    def find(self, picture: NDArray[np.uint8], time: float) -> Places:
        """Places of the next frame, (H, W, 3), in its own pixels; of the first second there are none.

        Args:
            picture: Of the stream.
            time: In seconds.
        """
        step = max(1, picture.shape[0] // _ROWS)
        samples = np.ascontiguousarray(picture[::step, ::step, 1])  # green: the most of what is light
        before = self._before
        if before and (before[-1][1].shape != samples.shape or time - before[-1][0] > 2 * _STEP):
            before.clear()
        while len(before) >= 2 and time - before[1][0] >= 2 * _STEP:
            before.popleft()
        recent = [old for then, old in before if time - then >= _STEP]
        known = len(before) > 0 and time - before[0][0] >= 2 * _STEP
        places = find_moving(samples, before[0][1], recent[-1], step) if known and recent else NOWHERE
        before.append((time, samples))
        return places


def find_moving(now: Samples, first: Samples, second: Samples, step: int) -> Places:
    """Where samples (h, w) differ from two earlier ones; `step` is pixels between two samples."""
    moving = ((cv2.absdiff(now, first) > _DIFFERENT) & (cv2.absdiff(now, second) > _DIFFERENT)).astype(np.uint8)
    if not 0 < moving.mean() < _MOST_MOVING:
        return NOWHERE
    count, labels, found, _ = cv2.connectedComponentsWithStats(cv2.dilate(moving, _REACH))
    enough = np.bincount(labels[moving > 0], minlength=count)[1:] >= _LEAST
    low, extent = found[1:][enough, :2].astype(np.float64), found[1:][enough, 2:4].astype(np.float64)
    boxes = np.concatenate([low, low + extent - 1], axis=1) * step
    sizes = np.hypot(*(extent * step).T)
    return Places(boxes, sizes, np.zeros(len(sizes)), np.zeros(len(sizes), np.intp))
