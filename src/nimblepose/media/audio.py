"""The sound of a video, brought into another container."""

import itertools
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nimblepose.core.errors import MediaError
from nimblepose.media.containers import fraction, load_av, open_container

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.container import OutputContainer
    from av.packet import Packet

_PLAYED_IN_MP4 = {"aac", "mp3", "opus", "flac", "alac", "ac3", "eac3"}  # copied; any other becomes AAC


class Sound:
    """The first sound track of a file, copied packet by packet, or encoded anew where MP4 players could not play it."""

    def __init__(self, source: str | Path) -> None:
        """Remember the file; it is read when it is needed."""
        self._source = source

    def read_packets(self, out: "OutputContainer", begin: float, end: float) -> "Iterator[tuple[float, Packet[Any]]]":
        """Packets for `out`, with the seconds at which they belong there.

        Args:
            out: Gets a stream for them at once, if there is any sound.
            begin: Seconds of the source that become 0; what comes before is left out.
            end: Seconds of the source at which to stop.
        """
        try:
            container = open_container(self._source)
        except MediaError:
            return iter(())  # it was there for the pictures; they are worth more than the sound
        if not container.streams.audio:
            container.close()
            return iter(())
        stream = container.streams.audio[0]
        origin = (container.start_time or 0) / 1_000_000
        if stream.codec_context.codec.canonical_name in _PLAYED_IN_MP4:
            target: Any = out.add_stream_from_template(stream)
            return _copy(container, stream, target, begin + origin, end + origin)
        rate = stream.codec_context.sample_rate or 48_000
        target = out.add_stream("aac", rate=rate, layout="stereo" if stream.codec_context.channels > 1 else "mono")
        return _encode(container, stream, target, begin + origin, end + origin)


def _copy(container: Any, stream: Any, target: Any, begin: float, end: float) -> "Iterator[tuple[float, Packet[Any]]]":
    with container:
        try:
            for packet in container.demux(stream):
                base = fraction(packet.time_base)
                if packet.dts is None or packet.pts is None or not base:
                    continue
                seconds = float(packet.pts * base)
                if seconds >= end:
                    return
                if seconds + 2 * float((packet.duration or 0) * base) > begin:  # AAC needs the one before
                    shift = round(begin / base)
                    packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
                    packet.stream = target
                    yield seconds - begin, packet
        except load_av().error.FFmpegError:
            return  # a file that breaks off: the sound ends there


def _encode(
    container: Any, stream: Any, target: Any, begin: float, end: float
) -> "Iterator[tuple[float, Packet[Any]]]":
    context = target.codec_context
    resampler = load_av().AudioResampler(context.format, context.layout, context.sample_rate)
    with container:
        frames = _decode(container, stream, begin, end)
        seconds, first = next(frames, (begin, None))
        position = round((seconds - begin) * context.sample_rate)  # samples from the beginning of the result
        for frame in itertools.chain([first], (frame for _, frame in frames), [None]):
            for ready in resampler.resample(frame):
                ready.pts, ready.time_base = position, Fraction(1, context.sample_rate)
                position += ready.samples
                yield from _add_times(target.encode(ready))
        yield from _add_times(target.encode(None))


def _decode(container: Any, stream: Any, begin: float, end: float) -> "Iterator[tuple[float, AudioFrame]]":
    """Frames with their seconds."""
    try:
        for frame in container.decode(stream):
            if frame.time is None:
                continue
            if frame.time >= end:
                return
            if frame.time >= begin:
                yield frame.time, frame
    except load_av().error.FFmpegError:
        return  # as above


def _add_times(packets: "list[Packet[Any]]") -> "Iterator[tuple[float, Packet[Any]]]":
    for packet in packets:
        if packet.dts is not None and (base := fraction(packet.time_base)):
            yield float(packet.dts * base), packet
