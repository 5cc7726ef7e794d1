"""Video files, frame by frame, with their true time stamps."""

import dataclasses
import itertools
import logging
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from nimblepose.core.errors import MediaError
from nimblepose.core.share import count_limited_cores
from nimblepose.media.containers import (
    check_size,
    find_video_stream,
    fraction,
    frame_rate,
    is_cut_off,
    load_av,
    name_source,
    open_container,
    unify_errors,
)
from nimblepose.media.conversion import FrameConverter, find_deep_format, orientation
from nimblepose.media.endings import Ending
from nimblepose.media.frames import EVERYTHING, Frame, Selection, StreamInfo
from nimblepose.media.levels import Levels, choose_levels
from nimblepose.media.pictures import MAX_PIXELS
from nimblepose.media.pipes import is_pipe

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_log = logging.getLogger(__name__)
_WORTH_SEEKING = 5.0  # seconds; nearer starts are decoded through
_LOOKS = 8  # pictures of a file that its levels are found in
_MOST_BEFORE = 300  # frames that are decoded to reach one of them


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
        max_pixels: int = MAX_PIXELS,
        levels: Levels = "auto",
        name: str | None = None,
    ) -> None:
        """Open it.

        Args:
            source: Path, address, or an object with `read`.
            selection: Which frames.
            container: The source, if it is open already.
            max_pixels: Videos that declare larger pictures are refused.
            levels: Of pictures of more than 8 bits without chroma: what becomes black and white.
            name: What messages call it, if not by its path or address.

        Raises:
            MediaError: it cannot be opened, or has no pictures.
            MissingPackageError: PyAV is not installed.
        """
        self._name, self._selection, self._max_pixels = name or name_source(source), selection, max_pixels
        self._levels = levels
        self._source, self._closed, self._iterating = source, False, False
        self._seekable = isinstance(source, str | Path) and "://" not in str(source) and not is_pipe(Path(source))
        self._open(container)
        self._origin = (self._container.start_time or 0) / 1_000_000  # seconds; MPEG-TS starts anywhere
        rate = frame_rate(self._stream)
        self._step = 1 / (rate or Fraction(25))  # where time stamps are missing
        self.problems: list[str] = []
        self.info = StreamInfo(
            self._name,
            self._container.duration / 1_000_000 if self._container.duration else None,
            rate,
        )

    def __iter__(self) -> Iterator[Frame]:
        """Frames in the order in which they are shown; the file is closed after the last."""
        converter = FrameConverter(self._choose_levels())
        self._iterating = True
        try:
            index, latest, broken = -1, -1.0, None
            earlier = [] if self._closed else self._seek()
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
                    yield Frame(index, time, converter.convert(frame))
            if not self._closed:
                problem = self._end(index + 1, broken).tell(self._name, index + 1, latest)
                self.problems += [problem] if problem else []
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
        cores = count_limited_cores()
        if cores:  # FFmpeg sees those of the machine, and holds a frame for each of its threads
            self._stream.codec_context.thread_count = cores + 1 if cores > 1 else 1

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
        if frame.pts is not None and (base := fraction(frame.time_base)):
            time = round(float(frame.pts * base) - self._origin, 6) + 0.0  # never -0.0
            if time > latest:
                return time
        return round(latest + float(self._step), 6) if latest >= 0 else 0.0

    def _pixel_aspect(self, frame: "VideoFrame") -> Fraction:
        aspect = fraction(self._stream.sample_aspect_ratio) or Fraction(1)
        return 1 / aspect if orientation(frame)[0] else aspect

    def _seek(self) -> list[int]:
        """Go to a key frame before the selection starts.

        Returns:
            The time stamps of all frames shown until then, sorted, to count by; none if the file is at its beginning.
        """
        start, base = self._selection.start + self._origin, fraction(self._stream.time_base)
        if not self._seekable or self._selection.start < _WORTH_SEEKING or base is None:
            return []
        try:
            shown = sorted(list_shown_times(self._container, self._stream, start))
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

    def _is_cut_off(self) -> bool:
        try:
            return self._seekable and is_cut_off(Path(str(self._source)))
        except OSError:
            return False

    def _choose_levels(self) -> Levels:
        """Levels for the whole file, by pictures from all over it: a run resumed in the middle sees the same."""
        kind = self._stream.format  # None where not even a first frame could be decoded
        if self._levels != "auto" or not self._seekable or not kind or find_deep_format(kind.name) is None:
            return self._levels
        converter = FrameConverter()
        found = []
        with closing(open_container(self._source)) as container:
            stream = find_video_stream(container, self._name, max_pixels=self._max_pixels)
            for part in range(_LOOKS):
                start = self._origin + part / _LOOKS * (self.info.duration or 0)
                try:
                    container.seek(int(1_000_000 * start))  # to a key frame, perhaps long before
                    frames = itertools.islice(container.decode(stream), _MOST_BEFORE)
                    frame = next((frame for frame in frames if (frame.time or 0) >= start), None)
                except load_av().error.FFmpegError:
                    continue
                values = None if frame is None else converter.read_deep(frame)
                if values is not None:
                    found.append(values.ravel())
        return choose_levels(np.concatenate(found), "auto") if found else "auto"

    def _end(self, frames: int, broken: str | None) -> Ending:
        """What the file says of its end, after so many frames."""
        ending = Ending(self._stream.frames, self.info.duration or 0, float(self._step), broken=broken)
        return ending if ending.has_all(frames) else dataclasses.replace(ending, cut_off=self._is_cut_off())


def list_shown_times(container: "InputContainer", stream: "VideoStream", until: float) -> Iterator[int]:
    """Time stamps of all frames that are shown up to `until` seconds, read from the packets without decoding."""
    packet: Packet[VideoStream]
    base = fraction(stream.time_base)
    for packet in container.demux(stream):
        if packet.pts is None or packet.is_discard:
            continue
        yield packet.pts
        order = packet.dts if packet.dts is not None else packet.pts
        if base and float(order * base) > until + 1:
            return
