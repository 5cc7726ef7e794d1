"""A part of a video that is read by itself, and fits to the last bit what is read before and after it."""

import dataclasses
from bisect import bisect_left
from collections import deque
from collections.abc import Collection, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from nimblepose.core.errors import MediaError
from nimblepose.media.containers import check_size, fraction, load_av, unify_errors
from nimblepose.media.conversion import FrameConverter
from nimblepose.media.endings import Ending
from nimblepose.media.frames import Frame, Selection
from nimblepose.media.levels import Levels
from nimblepose.media.video import VideoFile, list_shown_times

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame

_BACK = (0, 1, 5, 20, 80)  # seconds; MPEG-TS lands behind what it is asked for
_TICK = 1e-6  # seconds: times are told in no smaller steps
_WORTH_SEEKING = 5.0  # seconds; what is nearer to the beginning is decoded through


class VideoPiece(VideoFile):
    """Frames of a video within a time, after the frame before them, or a few of those.

    They are those that reading from the beginning shows: decoding starts at a key frame, and what is shown before that,
    of which a part may be missing, is left out. Which frame of the whole the first one is, is not known without reading
    everything before it: frames are counted from 0 here, and those before are -1, -2, ... Where it matters (every n-th
    frame; a beginning in the middle), all packets before are read, and frames have the numbers of the whole.

    Attributes:
        ending: What is known of the end of the file, once it was reached; None: the piece ends before.
        refused: Damaged pieces of it that could not be decoded.
        decoded: The number of the first frame behind it; of a piece that is not counted, how many there were. Whether
            or not they are of every n-th.
        latest: Seconds at which that is shown; below 0: there was none.
    """

    def __init__(
        self,
        source: str | Path | BinaryIO,
        *,
        begin: float,
        end: float | None,
        first: bool,
        every: int = 1,
        lead: int = 1,
        levels: Levels = "auto",
        threads: int = 1,
        name: str | None = None,
    ) -> None:
        """Open it.

        Args:
            source: Path, or an object with `read` and `seek`.
            begin: First second.
            end: Where it stops; None: with the file.
            first: Nothing of what is before `begin` is wanted.
            every: Only every n-th frame of the whole.
            lead: Frames before the beginning that are wanted, too: so many, where there are.
            levels: As of `VideoFile`.
            threads: That decode.
            name: What messages call it, if not by its path.

        Raises:
            As `VideoFile`.
        """
        self._threads, self._lead = threads, lead
        self._first, self._counted = first, every > 1 or (first and begin > 0)
        super().__init__(source, Selection(every=every, start=begin, end=end), levels=levels, name=name)
        self.ending: Ending | None = None
        self.refused = self.decoded = 0
        self.latest = -1.0

    def __iter__(self) -> Iterator[Frame]:
        """The frames before, if there are any, and those within the time; the file is closed after the last."""
        converter = FrameConverter(self._choose_levels())
        self._iterating = True
        before: deque[tuple[int, float, VideoFrame]] = deque(maxlen=0 if self._first else self._lead)
        broken, over = None, False
        try:
            places = self._places()
            while not self._closed:
                try:
                    with unify_errors(self._name):
                        place = next(places, None)
                except MediaError as error:
                    broken = str(error)
                    break
                if place is None:
                    break
                index, time, frame = place
                if over := self._selection.is_over(time):
                    self.decoded = self.decoded or (index if self._counted else 0)
                    break
                if time < self._selection.start:
                    if not self._counted or index % self._selection.every == 0:
                        before.append(place)
                    continue
                yield from self._show_lead(converter, before)
                before.clear()
                self.decoded, self.latest = index + 1, time
                if self._selection.wants(index, time):
                    yield self._show(converter, index, time, frame)
            yield from self._show_lead(converter, before)
            if not over and not self._closed:
                self.ending = Ending(
                    self._stream.frames,
                    self.info.duration or 0,
                    float(self._step),
                    cut_off=self._is_cut_off(),
                    broken=broken,
                )
        finally:
            self._iterating = False
            self.close()

    def measure_approach(self) -> float | None:
        """Seconds of video that are decoded to reach the beginning; None: everything before it. Nothing is read then.

        Raises:
            MediaError: the file cannot be read.
        """
        begin = self._selection.start
        try:
            with unify_errors(self._name):
                first = next(self._approach(begin - _TICK if self._is_seekable() else -1.0), None)
        finally:
            self.close()
        time = begin if first is None else self._time(first, -1.0)
        return None if first is None or time <= 0 else begin - time

    def _show_lead(
        self, converter: FrameConverter, before: "Collection[tuple[int, float, VideoFrame]]"
    ) -> Iterator[Frame]:
        for back, (index, time, frame) in zip(range(-len(before), 0), before, strict=True):
            yield self._show(converter, index if self._counted else back, time, frame)

    def _show(self, converter: FrameConverter, index: int, time: float, frame: "VideoFrame") -> Frame:
        check_size(frame.width, frame.height, self._name, self._max_pixels)
        self.info = dataclasses.replace(self.info, pixel_aspect=self._pixel_aspect(frame))
        return Frame(index, time, converter.convert(frame))

    def _places(self) -> "Iterator[tuple[int, float, VideoFrame]]":
        """Number, time and what is decoded, from some frame before the beginning on."""
        begin = self._selection.start
        shown = self._list_earlier() if self._counted and begin >= _WORTH_SEEKING else []
        index, latest = -1, -1.0
        for frame in self._approach(self._find_needed(shown)):
            time = self._time(frame, latest)
            latest = time
            if not self._counted:
                index += time >= begin
            elif index < 0 and shown and frame.pts is not None:
                index = bisect_left(shown, frame.pts)
            else:
                index += 1
            yield index, time, frame

    def _find_needed(self, shown: list[int]) -> float:
        """Seconds of the first frame that is needed, or a little later; below 0: the file is read from its beginning.

        Args:
            shown: Time stamps of all frames up to the beginning, sorted, if they are needed to count by.
        """
        begin, base = self._selection.start, fraction(self._stream.time_base)
        if base is None or not self._is_seekable() or (self._counted and not shown):
            return -1.0
        if not shown:
            return begin - _TICK - (self._lead - 1) * float(self._step)
        every = self._selection.every
        earlier = sum(round(float(pts * base) - self._origin, 6) < begin for pts in shown)
        needed = (earlier - 1) // every * every - (self._lead - 1) * every
        return begin if self._first else float(shown[max(needed, 0)] * base) - self._origin + _TICK

    def _list_earlier(self) -> list[int]:
        try:
            return sorted(list_shown_times(self._container, self._stream, self._selection.start + self._origin))
        except load_av().error.FFmpegError:
            return []

    def _approach(self, needed: float) -> "Iterator[VideoFrame]":
        """Decoded frames from a key frame on that is shown at or before `needed`."""
        for back in _BACK if needed > 0 else ():
            if needed - back <= 0:
                break
            try:
                frames = self._decode_from(needed - back)
                first = next(frames, None)
            except (load_av().error.FFmpegError, OSError):
                continue
            if first is not None and self._time(first, -1.0) <= needed:
                return chain([first], frames)
        self._container.close()
        self._open(None)
        return self._decode_from(None)

    def _decode_from(self, seconds: float | None) -> "Iterator[VideoFrame]":
        """Frames from a key frame on, and none that is shown before it; None: all there are."""
        base, begin = fraction(self._stream.time_base), self._selection.start
        self.refused, floor = 0, None
        if seconds is not None and base:
            self._container.seek(int((seconds + self._origin) / base), stream=self._stream)
        for packet in self._container.demux(self._stream):
            if seconds is not None and floor is None:
                if packet.pts is None or not packet.is_keyframe:
                    continue
                floor = packet.pts
            try:
                frames = packet.decode()
            except load_av().error.EOFError:
                return
            except load_av().error.FFmpegError:
                early = packet.pts is not None and base and float(packet.pts * base) - self._origin < begin
                self.refused += not early
                continue
            yield from (frame for frame in frames if floor is None or (frame.pts is not None and frame.pts >= floor))

    def _is_seekable(self) -> bool:
        return self._seekable or (not isinstance(self._source, str | Path) and self._source.seekable())

    def _open(self, container: "InputContainer | None") -> None:
        if container is None and not isinstance(self._source, str | Path) and self._source.seekable():
            self._source.seek(0)
        super()._open(container)
        self._stream.codec_context.thread_count = self._threads
