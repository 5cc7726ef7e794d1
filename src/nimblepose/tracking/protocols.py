"""What a tracker and a smoother are: whatever keeps these promises can take the place of ours."""

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar, runtime_checkable

from nimblepose.core.poses import Poses


class Timed(Protocol):
    """A frame, or what else has its time."""

    @property
    def time(self) -> float:
        """When it was taken, in seconds."""


T = TypeVar("T", bound=Timed)


class Tracker(Protocol):
    """Says who is who in one stream of frames."""

    def update(self, poses: Poses, time: float) -> Poses:
        """The people of the next frame with `track_ids`; it may leave people out, and adds none.

        Args:
            poses: People found in the frame, in pixels; with `limb_colours`, `shot` and `camera_shift` if the picture
                was at hand.
            time: When it was taken, in seconds; never before the frame given last.
        """


@runtime_checkable
class RecordingTracker(Tracker, Protocol):
    """A tracker that does better where it may look at what comes next; nobody has to be one."""

    def track_recording(self, people: Iterable[tuple[T, Poses]]) -> Iterator[tuple[T, Poses]]:
        """Every frame of a recording, in order, with the people in it and their `track_ids`.

        Args:
            people: The same without; few frames may be taken ahead, because they may hold their pictures.
        """


class Smoother(Protocol):
    """Steadies the keypoints of people who have identities, in one stream of frames."""

    def update(self, poses: Poses, time: float) -> Poses:
        """The same people in the same order with other keypoints.

        Args:
            poses: People of the next frame with `track_ids`.
            time: When it was taken, in seconds; never before the frame given last.
        """
