"""What a tracker and a smoother are: whatever keeps these promises can take the place of ours."""

from typing import Protocol

from nimblepose.core.poses import Poses


class Tracker(Protocol):
    """Says who is who in one stream of frames."""

    def update(self, poses: Poses, time: float) -> Poses:
        """The people of the next frame with `track_ids`; it may leave people out, and adds none.

        Args:
            poses: People found in the frame, in pixels; with `limb_colours` if the picture was at hand.
            time: When it was taken, in seconds; never before the frame given last.
        """


class Smoother(Protocol):
    """Steadies the keypoints of people who have identities, in one stream of frames."""

    def update(self, poses: Poses, time: float) -> Poses:
        """The same people in the same order with other keypoints.

        Args:
            poses: People of the next frame with `track_ids`.
            time: When it was taken, in seconds; never before the frame given last.
        """
