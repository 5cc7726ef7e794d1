"""From a stream of frames to people with identities: find, follow, steady."""

import dataclasses
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import chain
from typing import Protocol, runtime_checkable

import numpy as np

from nimblepose.core.errors import MediaError
from nimblepose.core.poses import Poses
from nimblepose.looks.canvas import Canvas
from nimblepose.media.frames import Frame, FrameSource, Stamp
from nimblepose.media.pictures import Picture
from nimblepose.runtime.attending import Attender
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

AHEAD = 2  # frames of a recording that are under way at a time where plans follow from what was found
_APART = 37  # pixels between those by which most pictures that differ are told

DEFAULT_TRACKING, DEFAULT_SMOOTHING = TrackOptions(), SmoothOptions()


class Streaming(Protocol):
    """What finds poses in pictures, as `PoseEstimator` does."""

    def estimate(self, picture: Picture, *, pixel_aspect: float = 1.0) -> Poses:
        """Poses of one picture, as soon as possible; `pixel_aspect` is width over height of a pixel as it is shown."""

    def stream(self, pictures: Iterable[Picture], *, pixel_aspect: float = 1.0) -> Iterator[Poses]:
        """Poses of many pictures, in order, as many of them per second as possible."""


@runtime_checkable
class Watching(Streaming, Protocol):
    """What sees a frame by parts, which are planned from what was found before."""

    def start_attention(self, *, ahead: int) -> Attender | None:
        """What plans the frames of one stream, each by what was found `ahead` frames before; None: no plans."""

    def watch(self, picture: Picture, canvas: Canvas, *, pixel_aspect: float = 1.0) -> Poses:
        """Poses of one frame by its plan, as soon as possible."""

    def watch_stream(
        self, frames: Iterable[tuple[Picture, Canvas]], *, most: int, pixel_aspect: float = 1.0
    ) -> Iterator[Poses]:
        """Poses of many frames, in order, of which `most` are under way at a time."""


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
    attender = estimator.start_attention(ahead=1 if source.live else AHEAD) if isinstance(estimator, Watching) else None
    if attender is not None and isinstance(estimator, Watching):
        yield from _watch_frames(estimator, attender, source, known)
        return
    remaining, watch = iter(source), _Watch()
    for stamp, poses in known:
        frame = next(remaining, None)
        if frame is None:
            return
        _check_known(frame, stamp)
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


def needs_pictures(estimator: Streaming) -> bool:
    """Does it look at a frame by what it has seen of those before, even if it is known who was in them?"""
    return isinstance(estimator, Watching) and estimator.start_attention(ahead=AHEAD) is not None


def _watch_frames(
    estimator: Watching,
    attender: Attender,
    source: FrameSource,
    known: Iterable[tuple[Stamp, Poses]],
) -> Iterator[tuple[Frame, Poses]]:
    """As `find_in_frames`, with attention, which also follows from what is known."""
    remaining, watch, repeats = iter(source), _Watch(), _Repeats()
    for stamp, poses in known:
        frame = next(remaining, None)
        if frame is None:
            return
        _check_known(frame, stamp)
        aspect = float(source.info.pixel_aspect)
        watch.look(frame.image, known=poses)
        repeats.keep(attender.plan(frame, poses.shot, pixel_aspect=aspect), frame.image)
        attender.note(poses, frame.time)
        yield frame, poses
    first = next(remaining, None)
    if first is None:
        return
    remaining, aspect = chain([first], remaining), float(source.info.pixel_aspect)  # known with the first frame
    under_way: deque[tuple[Frame, int, Shift]] = deque()

    def plan() -> Iterator[tuple[Picture, Canvas]]:
        for frame in remaining:
            shot, shift = watch.look(frame.image)
            under_way.append((frame, shot, shift))
            yield frame.image, repeats.keep(attender.plan(frame, shot, pixel_aspect=aspect), frame.image)

    if source.live:
        results: Iterator[Poses] = (estimator.watch(*item, pixel_aspect=aspect) for item in plan())
    else:
        results = estimator.watch_stream(plan(), most=AHEAD, pixel_aspect=aspect)
    for poses in results:
        frame, shot, shift = under_way.popleft()
        poses = dataclasses.replace(add_colours(poses, frame.image), shot=shot, camera_shift=shift)
        attender.note(poses, frame.time)
        yield frame, poses


class _Repeats:
    """Pictures that come again are seen as before, so that what is found in them is the same to the last bit."""

    def __init__(self) -> None:
        self._before: tuple[Picture, Canvas] | None = None

    def keep(self, canvas: Canvas, picture: Picture) -> Canvas:
        """The plan of the next frame: the one given, or that of the frame before, of which it shows the picture."""
        if self._before is not None and _is_same_picture(picture, self._before[0]):
            canvas = self._before[1]
        self._before = picture, canvas
        return canvas


def _is_same_picture(one: Picture, other: Picture) -> bool:
    """To the last bit; of most that differ a few pixels tell."""
    if one.shape != other.shape or not np.array_equal(one[::_APART, ::_APART], other[::_APART, ::_APART]):
        return False
    return np.array_equal(one, other)


def _check_known(frame: Frame, stamp: Stamp) -> None:
    if frame.stamp != stamp:
        raise MediaError(f"frame {frame.index} at {frame.time} s was frame {stamp.index} at {stamp.time} s before")


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
