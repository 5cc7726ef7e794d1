"""From a stream of frames to people with identities: find, follow, steady."""

import dataclasses
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import chain
from typing import Protocol

from nimblepose.core.errors import MediaError
from nimblepose.core.poses import Poses
from nimblepose.media.frames import Frame, FrameSource, Stamp
from nimblepose.media.pictures import Picture
from nimblepose.tracking.appearance import add_colours
from nimblepose.tracking.motion import CameraMotion, Shift
from nimblepose.tracking.protocols import RecordingTracker, Smoother, T, Tracker
from nimblepose.tracking.shots import ShotCounter
from nimblepose.tracking.smoothing import OneEuroSmoother, SmoothOptions
from nimblepose.tracking.thinning import thin_picture
from nimblepose.tracking.tracker import OksTracker, TrackOptions

_log = logging.getLogger(__name__)

Tracking = TrackOptions | Callable[[], Tracker]  # options of ours, or what starts another, as its class does
Smoothing = SmoothOptions | Callable[[], Smoother]

DEFAULT_TRACKING, DEFAULT_SMOOTHING = TrackOptions(), SmoothOptions()


class Streaming(Protocol):
    """What finds poses in pictures, as `PoseEstimator` does."""

    def estimate(self, picture: Picture, *, pixel_aspect: float = 1.0) -> Poses:
        """Poses of one picture, as soon as possible; `pixel_aspect` is width over height of a pixel as it is shown."""

    def stream(self, pictures: Iterable[Picture], *, pixel_aspect: float = 1.0) -> Iterator[Poses]:
        """Poses of many pictures, in order, as many of them per second as possible."""


def find_in_frames(
    estimator: Streaming, source: FrameSource, known: Iterable[tuple[Stamp, Poses]] = ()
) -> Iterator[tuple[Frame, Poses]]:
    """Each frame of a source with the people in it, and what a tracker must know of the picture.

    That is colours, the shot, and how far the camera has moved.

    Recordings are streamed, several frames at a time. Of a live source each frame is done before the next is taken:
    that is a little slower, but what is found is never older than need be. Pictures are looked at without a tracker,
    too: a journal of what is found may be resumed with one.

    Args:
        estimator: Finds people.
        source: Of frames.
        known: What was found before in its first frames, which are not looked at again.

    Raises:
        MediaError: what is known belongs to other frames.
    """
    remaining, watch = iter(source), _Watch()
    for stamp, poses in known:
        frame = next(remaining, None)
        if frame is None:
            return
        if frame.stamp != stamp:
            raise MediaError(f"frame {frame.index} at {frame.time} s was frame {stamp.index} at {stamp.time} s before")
        watch.look(frame.image, known=poses)
        yield frame, poses
    first = next(remaining, None)
    if first is None:
        return
    remaining, aspect = chain([first], remaining), float(source.info.pixel_aspect)  # known with the first frame
    if source.live:
        for frame in remaining:
            poses = estimator.estimate(frame.image, pixel_aspect=aspect)
            yield frame, watch.describe(poses, frame.image)
        return
    under_way: deque[Frame] = deque()

    def pictures() -> Iterator[Picture]:
        for frame in remaining:
            under_way.append(frame)
            yield frame.image

    for poses in estimator.stream(pictures(), pixel_aspect=aspect):
        frame = under_way.popleft()
        yield frame, watch.describe(poses, frame.image)


class _Watch:
    """Looks at the pictures of one stream, in order."""

    def __init__(self) -> None:
        self._shots, self._camera = ShotCounter(), CameraMotion()

    def describe(self, poses: Poses, picture: Picture) -> Poses:
        """The people with what a tracker must know of the picture, which is the next."""
        shot, shift = self.look(picture)
        return dataclasses.replace(add_colours(poses, picture), shot=shot, camera_shift=shift)

    def look(self, picture: Picture, *, known: Poses | None = None) -> tuple[int, Shift]:
        """The shot that the next picture belongs to, and how far the camera has moved; as it is `known`, if it is."""
        thin, step = thin_picture(picture)
        shot = self._shots.count(thin, known=None if known is None else known.shot)
        x, y = self._camera.measure(thin, known=None if known is None else known.camera_shift)
        return shot, (x * step, y * step)


def follow(
    people: Iterable[tuple[T, Poses]], tracker: Tracker | None, smoother: Smoother | None, *, live: bool
) -> Iterator[tuple[T, Poses]]:
    """The same with identities, then steadied; either only if it is given.

    Of a live source each frame is done before the next is taken; of a recording the tracker may look ahead, if it can.
    """
    if isinstance(tracker, RecordingTracker) and not live:
        people = tracker.track_recording(people)
    elif tracker is not None:
        people = ((frame, tracker.update(poses, frame.time)) for frame, poses in people)
    for frame, poses in people:
        yield frame, poses if smoother is None else smoother.update(poses, frame.time)


def start_tracker(tracking: Tracking) -> Tracker:
    """A tracker for one stream."""
    return OksTracker(tracking) if isinstance(tracking, TrackOptions) else tracking()


def start_smoother(smoothing: Smoothing) -> Smoother:
    """A smoother for one stream."""
    return OneEuroSmoother(smoothing) if isinstance(smoothing, SmoothOptions) else smoothing()


def track_frames(
    estimator: Streaming, source: FrameSource, tracking: Tracking | None, smoothing: Smoothing | None
) -> Iterator[tuple[Frame, Poses]]:
    """Each frame of a source with the people in it; the source is closed with the generator.

    What went wrong with the source without ending everything is logged at the end: nobody else could tell.
    """
    tracker = None if tracking is None else start_tracker(tracking)
    smoother = None if smoothing is None or tracking is None else start_smoother(smoothing)
    with closing(source):
        yield from follow(find_in_frames(estimator, source), tracker, smoother, live=source.live)
    for problem in source.problems:
        _log.warning("%s", problem)
