"""Video files, frame by frame, with their true time stamps."""

import dataclasses
import logging
from bisect import bisect_left
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from nimblepose.core.errors import MediaError
from nimblepose.media.containers import (
    check_size,
    convert_frame,
    find_video_stream,
    load_av,
    name_source,
    open_container,
    unify_errors,
)
from nimblepose.media.frames import EVERYTHING, Frame, Selection, StreamInfo

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_log = logging.getLogger(__name__)
_WORTH_SEEKING = 5.0  # seconds; nearer starts are decoded through
_WHOLE = 0.99  # of the declared frames and duration; containers count generously


class VideoFile:
    """A video that is read from its beginning to its end, every frame of it: a file, a remote file, standard input.

    Frames that cannot be decoded are left out; of a file that breaks off, all whole frames before are delivered.
    Either is told in `problems` once the frames are through.
    """

    live = False
    dropped = 0

    def __init__(
        self,
        source: str | Path | BinaryIO,
        selection: Selection = EVERYTHING,
        *,
        container: "InputContainer | None" = None,
        max_pixels: int = 100_000_000,
    ) -> None:
        """Open it.

        Args:
            source: Path, address, or an object with `read`.
            selection: Which frames.
            container: The source, if it is open already.
            max_pixels: Videos that declare larger pictures are refused.

        Raises:
            MediaError: it cannot be opened, or has no pictures.
            MissingPackageError: PyAV is not installed.
        """
        self._name, self._selection, self._max_pixels = name_source(source), selection, max_pixels
        self._source, self._closed, self._iterating = source, False, False
        self._seekable = isinstance(source, str | Path) and "://" not in str(source)
        self._open(container)
        self._origin = (self._container.start_time or 0) / 1_000_000  # seconds; MPEG-TS starts anywhere
        self._step = 1 / (self._stream.average_rate or self._stream.guessed_rate or 25)  # where time stamps are missing
        self.problems: list[str] = []
        self.info = StreamInfo(
            self._name,
            self._container.duration / 1_000_000 if self._container.duration else None,
            self._stream.average_rate or self._stream.guessed_rate,
        )

    def __iter__(self) -> Iterator[Frame]:
        """Frames in the order in which they are shown; the file is closed after the last."""
        reformatter = load_av().video.reformatter.VideoReformatter()
        self._iterating = True
        try:
            index, latest, broken = -1, -1.0, None
            earlier = self._seek()
            decoded = self._decoded()
            while not self._closed:
                try:
                    with unify_errors(self._name):
                        frame = next(decoded, None)
                except MediaError as error:
                    broken = str(error)
                    break
                if frame is None:
                    break
                time = self._time(frame, latest)
                if self._selection.is_over(time):
                    return
                latest = time
                if earlier:  # come from a key frame in the middle: where are we?
                    if time < self._selection.start or frame.pts is None:
                        continue
                    index, earlier = bisect_left(earlier, frame.pts) - 1, []
                index += 1
                if self._selection.wants(index, time):
                    check_size(frame.width, frame.height, self._name, self._max_pixels)
                    self.info = dataclasses.replace(self.info, pixel_aspect=self._pixel_aspect(frame))
                    yield Frame(index, time, convert_frame(frame, reformatter))
            if not self._closed:
                self._tell_the_end(index + 1, latest, broken)
        finally:
            self._iterating = False
            self.close()

    def close(self) -> None:
        """Deliver no further frame and release the file."""
        self._closed = True
        if not self._iterating:  # else the iteration closes it when it is not in the middle of a frame
            self._container.close()

    def _open(self, container: "InputContainer | None") -> None:
        self._container = container or open_container(self._source)
        try:
            self._stream = find_video_stream(self._container, self._name, max_pixels=self._max_pixels)
        except MediaError:
            self._container.close()
            raise
        self._stream.thread_type = "AUTO"

    def _decoded(self) -> "Iterator[VideoFrame]":
        """Decoded frames; a packet that the decoder refuses costs its own frame only."""
        refused = 0
        for packet in self._container.demux(self._stream):
            try:
                frames = packet.decode()
            except load_av().error.EOFError:
                break
            except load_av().error.FFmpegError:
                refused += 1
                continue
            yield from frames
        if refused:
            self.problems.append(f"{self._name}: {refused} damaged pieces could not be decoded and were left out")

    def _time(self, frame: "VideoFrame", latest: float) -> float:
        """Seconds since the beginning; always later than the frame before, whatever the file says."""
        if frame.pts is not None and frame.time_base is not None:
            time = round(float(frame.pts * frame.time_base) - self._origin, 6)
            if time > latest:
                return time
        return round(latest + float(self._step), 6) if latest >= 0 else 0.0

    def _pixel_aspect(self, frame: "VideoFrame") -> Fraction:
        aspect = self._stream.sample_aspect_ratio or Fraction(1)
        return 1 / aspect if frame.rotation % 180 else aspect

    def _seek(self) -> list[int]:
        """Go to a key frame before the selection starts.

        Returns:
            The time stamps of all frames shown until then, sorted, to count by; none if the file is at its beginning.
        """
        start, base = self._selection.start + self._origin, self._stream.time_base
        if not self._seekable or self._selection.start < _WORTH_SEEKING or base is None:
            return []
        try:
            shown = sorted(_list_shown_times(self._container, self._stream, start))
            for back in (0, 5, 20, 80):  # MPEG-TS lands behind what it is asked for
                target = int((start - back) / base)
                self._container.seek(target, stream=self._stream)
                first = next(self._container.demux(self._stream)).pts
                if shown and first is not None and shown[0] <= first <= start / base:
                    self._container.seek(target, stream=self._stream)
                    return shown
        except load_av().error.FFmpegError as error:
            _log.debug("%s: cannot seek: %s", self._name, error)
        self._container.close()  # nothing to count by, or nowhere to go: decode from the beginning
        self._open(None)
        return []

    def _tell_the_end(self, frames: int, latest: float, broken: str | None) -> None:
        declared, duration = self._stream.frames, self.info.duration or 0
        too_few = declared and frames < declared * _WHOLE - 1
        if broken is None and too_few and latest + 2 * float(self._step) < duration * _WHOLE:
            broken = f"{self._name} breaks off"
        if broken:
            of = f" of {declared}" if declared else ""
            self.problems.append(f"{broken}; {frames}{of} frames were whole, up to {max(latest, 0):.2f} s")
        elif latest < 0:
            self.problems.append(f"{self._name}: no frame in it could be decoded")


def _list_shown_times(container: "InputContainer", stream: "VideoStream", until: float) -> Iterator[int]:
    """Time stamps of all frames that are shown up to `until` seconds, read from the packets without decoding."""
    packet: Packet[VideoStream]
    for packet in container.demux(stream):
        if packet.pts is None or packet.is_discard:
            continue
        yield packet.pts
        order = packet.dts if packet.dts is not None else packet.pts
        if stream.time_base is not None and float(order * stream.time_base) > until + 1:
            return
