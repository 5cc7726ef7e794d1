"""Pictures that move, and pages, as a stream of frames: GIF, WebP, APNG, AVIF, TIFF."""

import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from nimblepose.core.errors import MediaError, OptionError
from nimblepose.media.containers import check_size
from nimblepose.media.frames import EVERYTHING, Frame, Selection, StreamInfo
from nimblepose.media.levels import Levels
from nimblepose.media.pictures import MAX_PIXELS, convert_frame, open_picture, unify_picture_errors

_LEAST = 20  # milliseconds; browsers show what is to be shown for less for 100
_USUAL = 100


class AnimatedPicture:
    """The frames of an animation at the times it states; the pages of a file without times at a rate of your choice.

    Of an animation that breaks off, the whole frames before are delivered, and `problems` says so.
    """

    live = False
    dropped = 0

    def __init__(
        self,
        path: Path,
        selection: Selection = EVERYTHING,
        *,
        rate: float = 25,
        levels: Levels = "auto",
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        """Open it.

        Args:
            path: Of a file that `is_animated`.
            selection: Which frames.
            rate: Pages per second where the file states no times.
            levels: Of pictures of more than 8 bits: which values become black and white.
            max_pixels: Files that declare larger pictures are refused.

        Raises:
            MediaError: no such file, damaged, too large.
            OptionError: the rate is not above 0.
        """
        if not rate > 0:
            raise OptionError(f"pages need a rate above 0, got {rate}")
        self._name, self._selection, self._rate, self._levels = str(path), selection, rate, levels
        self._max_pixels, self._closed = max_pixels, False
        self.problems: list[str] = []
        with unify_picture_errors(self._name):
            self._image = open_picture(io.BytesIO(path.read_bytes()))
            check_size(*self._image.size, self._name, max_pixels)
            count = int(getattr(self._image, "n_frames", 1))
            self._image.seek(0)
            self._image.load()
        step = self._read_duration()  # of the first; others may differ, so rate and duration are about right
        self.info = StreamInfo(self._name, round(count * step, 6), Fraction(1 / step).limit_denominator(1001))

    def __iter__(self) -> Iterator[Frame]:
        """Frames in order."""
        index, time = 0, 0.0
        try:
            while not self._closed and not self._selection.is_over(time):
                with unify_picture_errors(self._name):
                    try:
                        self._image.seek(index)
                    except EOFError:
                        return
                    check_size(*self._image.size, self._name, self._max_pixels)
                    self._image.load()
                    step = self._read_duration()
                    wanted = self._selection.wants(index, time)
                    picture = convert_frame(self._image, self._name, self._levels) if wanted else None
                if picture is not None:
                    yield Frame(index, time, picture)
                index, time = index + 1, round(time + step, 6)
        except MediaError as error:
            self.problems.append(f"{error}; {index} frames were whole, up to {time:.2f} s")
        finally:
            self._image.close()

    def close(self) -> None:
        """Deliver no further frame."""
        self._closed = True

    def _read_duration(self) -> float:
        """Seconds that the current frame is shown."""
        stated = self._image.info.get("duration")
        if not isinstance(stated, int | float):
            return 1 / self._rate
        return (stated if stated >= _LEAST else _USUAL) / 1000
