"""H.264 in MP4, as browsers and phones play it, with the times of the source."""

import heapq
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from nimblepose.core.errors import MediaError, MissingPackageError
from nimblepose.core.files import partial
from nimblepose.core.geometry import Size
from nimblepose.core.share import count_limited_cores
from nimblepose.media.audio import Sound
from nimblepose.media.containers import fraction, load_av, unify_errors
from nimblepose.media.frames import StreamInfo
from nimblepose.media.pictures import Picture

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.packet import Packet

_CLOCK = 90_000  # ticks per second: divides all usual frame rates
_KEY_SECONDS = 2  # between pictures that players can jump to
_ENCODER = {"preset": "veryfast", "crf": "23", "bf": "0"}  # no B-frames: MP4 counts the last ones short if times vary
_BT709 = 1  # of FFmpeg's lists of matrices, primaries and transfer curves
_LIMITED = 1  # range of luma 16 to 235


class VideoWriter:
    """Pictures in; a file under a partial name that plays up to its last second at any time; a whole MP4 at the end.

    While it grows it is a fragmented MP4 without sound. At the end it is rewritten, without encoding again, as a plain
    MP4 that starts before it is loaded, with the sound of the source.
    """

    def __init__(self, path: Path, info: StreamInfo, *, begin: float = 0.0, sound: Sound | None = None) -> None:
        """Begin with the first picture.

        Args:
            path: Usually `*.mp4`.
            info: Of the source: rate and pixel aspect are kept.
            begin: Time in the source, in seconds, that becomes 0.
            sound: Of the source.

        Raises:
            MissingPackageError: PyAV, or its H.264 encoder, is not installed.
        """
        av = load_av()
        if "libx264" not in av.codecs_available:
            raise MissingPackageError("this build of PyAV cannot write H.264; pip install av gives one that can")
        self.path, self._info, self._begin, self._sound = path, info, begin, sound
        self._reformatter = av.video.reformatter.VideoReformatter()
        self._out: OutputContainer | None = None
        self._stream: Any = None
        self._size: Size = (0, 0)
        self._latest = -1  # ticks

    def add(self, picture: Picture, time: float) -> None:
        """Encode a picture.

        Args:
            picture: (H, W, 3) uint8 RGB; one of another size than the first is fitted into that, with black borders.
            time: When it is shown, in seconds of the source; later than the one before.

        Raises:
            MediaError: it cannot be written.
        """
        av = load_av()
        with unify_errors(str(self.path), "write"):
            if self._out is None:
                self._open((picture.shape[0], picture.shape[1]))
            frame = av.VideoFrame.from_ndarray(make_even(fit_picture(picture, self._size)), "rgb24")
            frame = self._reformatter.reformat(
                frame, format="yuv420p", dst_colorspace=_BT709, dst_color_range=_LIMITED, threads=1
            )
            self._latest = max(self._latest + 1, round((time - self._begin) * _CLOCK))
            frame.pts, frame.time_base = self._latest, Fraction(1, _CLOCK)
            self._mux(self._stream.encode(frame))

    def finish(self) -> Path:
        """Complete the file and return its path.

        Raises:
            MediaError: it cannot be written, or no picture was added.
        """
        if self._out is None:
            raise MediaError(f"{self.path}: no frame to write")
        self.close()
        whole = partial(partial(self.path))
        try:
            with unify_errors(str(self.path), "write"):
                self._rewrite(whole)
                whole.replace(self.path)
                partial(self.path).unlink()
        finally:
            whole.unlink(missing_ok=True)
        return self.path

    def close(self) -> None:
        """Write what is in the encoder and leave the file under its partial name."""
        if self._out is not None and self._stream is not None:
            with unify_errors(str(self.path), "write"):
                self._mux(self._stream.encode(None))
                self._out.close()
            self._stream = None

    def _open(self, size: Size) -> None:
        self._size = size
        movflags = "frag_keyframe+delay_moov+default_base_moof"  # delay_moov keeps the times exact
        self._out = load_av().open(
            f"file:{partial(self.path)}",
            "w",
            format="mp4",
            options={"movflags": movflags, "frag_duration": "1000000", "flush_packets": "1"},
        )
        rate = self._info.rate or Fraction(25)
        rate = min(max(rate, Fraction(1)), Fraction(240)).limit_denominator(1001)
        options = {**_ENCODER, "g": str(round(_KEY_SECONDS * rate))}
        stream: Any = self._out.add_stream("libx264", rate=rate, options=options)
        stream.height, stream.width = (side + side % 2 for side in size)
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.thread_count = count_limited_cores()  # 0: the encoder looks itself
        context.time_base = Fraction(1, _CLOCK)
        context.sample_aspect_ratio = self._info.pixel_aspect
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED
        self._out.start_encoding()  # opens the file, so that a folder that is not there is told at the first picture
        self._stream = stream

    def _mux(self, packets: "list[Packet[Any]]") -> None:
        if self._out is not None:
            for packet in packets:
                self._out.mux(packet)

    def _rewrite(self, path: Path) -> None:
        """Copy the packets, and those of the sound between them, into a plain MP4 whose index comes first."""
        av = load_av()
        with (
            av.open(f"file:{partial(self.path)}") as encoded,
            av.open(
                f"file:{path}", "w", format="mp4", options={"movflags": "faststart", "movie_timescale": str(_CLOCK)}
            ) as out,
        ):
            source = encoded.streams.video[0]
            video = out.add_stream_from_template(source)
            streams = [_move_packets(encoded.demux(source), video)]
            if self._sound:
                end = (self._latest + 1) / _CLOCK + 0.1
                streams.append(self._sound.read_packets(out, self._begin, self._begin + end))
            for _, packet in heapq.merge(*streams, key=lambda timed: timed[0]):
                out.mux(packet)


def _move_packets(packets: "Iterator[Packet[Any]]", stream: Any) -> "Iterator[tuple[float, Packet[Any]]]":
    """(seconds, packet), for another container."""
    for packet in packets:
        if packet.dts is not None and (base := fraction(packet.time_base)):
            seconds = float(packet.dts * base)
            packet.stream = stream
            yield seconds, packet


def fit_picture(picture: Picture, size: Size) -> Picture:
    """A picture as large as it can be in the middle of `size`, black around it; itself if it has this size."""
    if picture.shape[:2] == size:
        return picture
    factor = min(size[0] / picture.shape[0], size[1] / picture.shape[1])
    height, width = (max(1, round(factor * side)) for side in picture.shape[:2])
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    canvas = np.zeros((*size, 3), np.uint8)
    canvas[top : top + height, left : left + width] = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return canvas


def make_even(picture: Picture) -> Picture:
    """The picture with its last row and column doubled where their number is odd: H.264 halves its colours."""
    height, width = picture.shape[:2]
    if height % 2 == 0 and width % 2 == 0:
        return np.ascontiguousarray(picture)
    return np.asarray(cv2.copyMakeBorder(picture, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE), np.uint8)
