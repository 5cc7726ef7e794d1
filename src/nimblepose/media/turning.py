"""Pictures of cameras that hang on their side or head, brought upright."""

import dataclasses
from collections.abc import Iterator

import cv2
import numpy as np

from nimblepose.core.errors import OptionError
from nimblepose.media.frames import Frame, FrameSource, StreamInfo
from nimblepose.media.pictures import Picture

_CODES = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


def turn(picture: Picture, rotation: int) -> Picture:
    """(H, W, 3) turned by degrees with the clock; itself for 0.

    >>> turn(np.arange(6, dtype=np.uint8).reshape(1, 2, 3), 90)[:, 0].tolist()  # the left pixel comes to the top
    [[0, 1, 2], [3, 4, 5]]

    Raises:
        OptionError: another angle.
    """
    check_rotation(rotation)
    return picture if rotation == 0 else np.asarray(cv2.rotate(picture, _CODES[rotation]), np.uint8)


def check_rotation(rotation: int) -> None:
    """Refuse what would need invented pixels.

    Raises:
        OptionError: another angle than 0, 90, 180 and 270.
    """
    if rotation not in (0, *_CODES):
        raise OptionError(f"pictures are turned by 0, 90, 180 or 270 degrees with the clock, got {rotation}")


class TurnedFrames:
    """Frames of another source, each turned; whatever else it says is passed on."""

    def __init__(self, source: FrameSource, rotation: int) -> None:
        """Take over `source`.

        Raises:
            OptionError: see `check_rotation`.
        """
        check_rotation(rotation)
        self.source, self._rotation = source, rotation
        self.live, self.dropped, self.problems = source.live, source.dropped, source.problems
        self.info = self._describe()

    def __iter__(self) -> Iterator[Frame]:
        """Frames as they come, turned."""
        for frame in self.source:
            self.info, self.dropped = self._describe(), self.source.dropped
            yield dataclasses.replace(frame, image=turn(frame.image, self._rotation))
        self.dropped, self.problems = self.source.dropped, self.source.problems

    def close(self) -> None:
        """Deliver no further frame and release the source."""
        self.source.close()

    def _describe(self) -> StreamInfo:
        info = self.source.info
        aspect = 1 / info.pixel_aspect if self._rotation % 180 else info.pixel_aspect
        return dataclasses.replace(info, pixel_aspect=aspect, rotation=self._rotation)
