"""Identities in somebody's own loop over frames: each is given when it is there, and answered at once."""

import time as clock
from collections import deque
from collections.abc import Iterator
from fractions import Fraction

from nimblepose.core.errors import OptionError, PoseError
from nimblepose.core.poses import Poses
from nimblepose.media.frames import Frame, StreamInfo
from nimblepose.media.pictures import Picture, read_picture
from nimblepose.runtime.video import (
    DEFAULT_SMOOTHING,
    DEFAULT_TRACKING,
    Smoothing,
    Streaming,
    Tracking,
    track_frames,
)


class Follower:
    """Follows people from picture to picture, as `PoseEstimator.track` does with cameras; one for each camera.

    `PoseEstimator.follow` makes them.
    """

    def __init__(
        self,
        estimator: Streaming,
        *,
        tracking: Tracking = DEFAULT_TRACKING,
        smoothing: Smoothing | None = DEFAULT_SMOOTHING,
        pixel_aspect: float = 1.0,
    ) -> None:
        """Begin with nobody.

        Args:
            estimator: Finds people.
            tracking: As in `PoseEstimator.track`.
            smoothing: As there; None: keypoints as they were found.
            pixel_aspect: Width over height of the pictures' pixels as they are shown.
        """
        self._frames = _GivenFrames(pixel_aspect)
        self._found = track_frames(estimator, self._frames, tracking, smoothing)
        self._began: float | None = None
        self._time: float | None = None

    def __call__(self, picture: Picture, time: float | None = None) -> Poses:
        """Everybody in the next picture, with `track_ids`.

        Args:
            picture: (H, W, 3) uint8 RGB; what OpenCV reads is BGR: `frame[..., ::-1]`.
            time: When it was taken, in seconds, later than the one before; None: now, by the clock of this machine.

        Raises:
            OptionError: time does not go on.
            MediaError: not a picture.
            MissingPackageError: scipy is not installed.
            PoseError: there was an error before.
        """
        if time is None:
            now = clock.monotonic()
            self._began = now if self._began is None else self._began
            time = now - self._began
        if self._time is not None and not time > self._time:
            raise OptionError(f"a picture at {time} s comes after one at {self._time} s; times must grow")
        self._frames.give(read_picture(picture), time)
        self._time = time
        found = next(self._found, None)
        if found is None:
            raise PoseError("nobody is followed any more since an error; begin anew with estimator.follow()")
        return found[1]


class _GivenFrames:
    """A live source of which the next frame is the one that was given last."""

    live, dropped = True, 0

    def __init__(self, pixel_aspect: float) -> None:
        self.info = StreamInfo("frames", pixel_aspect=Fraction(pixel_aspect).limit_denominator(1000))
        self.problems: list[str] = []
        self._given: deque[Frame] = deque(maxlen=1)
        self._count = 0

    def give(self, picture: Picture, time: float) -> None:
        """The next frame."""
        self._given.append(Frame(self._count, time, picture))
        self._count += 1

    def __iter__(self) -> Iterator[Frame]:
        while self._given:
            yield self._given.popleft()

    def close(self) -> None:
        """Nothing is held."""
