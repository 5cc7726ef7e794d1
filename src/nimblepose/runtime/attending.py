"""Attention over the frames of one stream: who is expected where, and who was looked at when."""

import dataclasses
from collections import deque

import numpy as np

from nimblepose.core.geometry import Size
from nimblepose.core.poses import Poses
from nimblepose.looks.attention import AttentionOptions, attend
from nimblepose.looks.canvas import Canvas
from nimblepose.looks.motion import MotionFinder
from nimblepose.looks.places import NOWHERE, Places, bound
from nimblepose.media.frames import Frame
from nimblepose.tracking.tracker import OksTracker, TrackOptions
from nimblepose.tracking.tracks import Tracks

_PATIENCE = 1.0  # seconds for which people who are not found are still looked for where they should be
_LEAST_SIZE = 4.0  # pixels


class Attender:
    """Plans frames of one stream, in order, from what was found in those before.

    It follows people by itself, so that what is found in a frame does not depend on who is given which identity
    later, nor on whether anybody is. `plan` each frame, and `note` what was found in it, when it is known. A plan
    depends on what was found `ahead` frames before and earlier, and on nothing later, however soon that is noted.
    """

    def __init__(self, options: AttentionOptions, *, stride: int, ahead: int) -> None:
        """Nothing was seen yet.

        Args:
            options: How to look.
            stride: Input pixels per cell.
            ahead: Frames of which the first is known before the one after them is planned; 1: each is.
        """
        self._options, self._stride, self._ahead = options, stride, ahead
        self._waiting: deque[tuple[Poses, float]] = deque()  # notes that nothing may follow from yet
        self._tracker, self._motion = OksTracker(), MotionFinder()
        self._noted: tuple[float, int] | None = None  # time and shot of the last frame that was followed
        self._number = self._followed = 0  # of frames that were planned, and of notes that were followed
        self._looked: dict[int, int] = {}  # number of the frame in which somebody was looked at last, by track

    def plan(self, frame: Frame, shot: int, *, pixel_aspect: float = 1.0) -> Canvas:
        """What to see of the next frame; after a cut, or long after the frame before, the whole of it and no more."""
        while self._followed <= self._number - self._ahead:
            self._follow(*self._waiting.popleft())
        limits = frame.image.shape[0], frame.image.shape[1]
        moving = self._motion.find(frame.image, frame.time)
        tracks = self._expect(frame.time, shot)
        number, self._number = self._number, self._number + 1
        if tracks is None:
            return _see_whole(limits, self._options, self._stride, pixel_aspect)
        ids = tracks.ids.tolist()
        waiting = np.array([number - self._looked.get(i, -1) for i in ids], np.int64)
        attention = attend(
            _place(tracks, pixel_aspect), waiting, _show(moving, pixel_aspect), limits, number, self._options,
            stride=self._stride, pixel_aspect=pixel_aspect,
        )  # fmt: skip
        before = self._looked
        self._looked = {i: before[i] for i in ids if i in before}
        self._looked |= {i: number for i, now in zip(ids, attention.looked.tolist(), strict=True) if now}
        return attention.canvas

    def note(self, poses: Poses, time: float) -> None:
        """Who was found in the first of the frames of which this is not known yet, with the shot."""
        self._waiting.append((poses, time))

    def _follow(self, poses: Poses, time: float) -> None:
        self._followed += 1
        self._tracker.update(poses, time)
        self._noted = time, poses.shot

    def _expect(self, time: float, shot: int) -> Tracks | None:
        """Everybody who may be seen now; None if too little is known to say."""
        if self._noted is None or self._noted[1] != shot or time - self._noted[0] > TrackOptions.sparse_step:
            return None
        tracks = self._tracker.expect(time)
        return tracks[time - tracks.times <= _PATIENCE]


def _see_whole(limits: Size, options: AttentionOptions, stride: int, pixel_aspect: float) -> Canvas:
    """The whole frame, as large as it goes."""
    plan = attend(NOWHERE, np.zeros(0, np.int64), NOWHERE, limits, 0, options, stride=stride, pixel_aspect=pixel_aspect)
    return plan.canvas


def _place(tracks: Tracks, pixel_aspect: float) -> Places:
    """Where they are, as shown, with room for what is not sure about it."""
    xy = (tracks.xy + 0.5) * (pixel_aspect, 1) - 0.5
    boxes = bound(xy).astype(np.float64)
    sizes = np.maximum(np.hypot(*(boxes[:, 2:] - boxes[:, :2]).T), _LEAST_SIZE)
    error = np.minimum(np.sqrt(tracks.covariance[:, 0, 0]), sizes / 2)[:, None]
    boxes = np.concatenate([boxes[:, :2] - error, boxes[:, 2:] + error], axis=1)
    count = len(tracks)
    return Places(boxes, sizes, np.zeros(count), np.zeros(count, np.intp))


def _show(places: Places, pixel_aspect: float) -> Places:
    """Places in pixels of the frame, as they are shown."""
    if pixel_aspect == 1:
        return places
    boxes = (places.boxes + 0.5) * (pixel_aspect, 1, pixel_aspect, 1) - 0.5
    return dataclasses.replace(places, boxes=boxes)
