"""Video containers and streams, opened with PyAV; whatever goes wrong becomes one kind of error."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, BinaryIO, Protocol

from nimblepose.core.errors import DownloadError, MediaError, TooManyPixelsError
from nimblepose.core.optional import import_optional
from nimblepose.core.web import check_online, without_secrets
from nimblepose.media.pictures import MAX_PIXELS
from nimblepose.media.pipes import is_pipe, open_pipe

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

_STRICT_TITLES = 18  # the last PyAV that refuses a file for a title that is not UTF-8, unless told; we use no titles
_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"  # of Matroska
_RAW = {"h264", "hevc", "vvc", "m4v", "obu", "mjpeg", "mpegvideo"}  # without a container


def load_av() -> ModuleType:
    """PyAV.

    Raises:
        MissingPackageError: it is not installed.
    """
    return import_optional("av", "reading or writing videos")


def name_source(source: object) -> str:
    """How messages and results name a source."""
    if isinstance(source, str | Path):
        return without_secrets(str(source)) if "://" in str(source) else str(source)
    return "standard input"


class _Ratio(Protocol):
    """What `fraction` takes: a `Fraction`, or PyAV's own rational."""

    @property
    def numerator(self) -> int: ...

    @property
    def denominator(self) -> int: ...


def fraction(ratio: _Ratio | None) -> Fraction | None:
    """A rate, pixel aspect or time base as PyAV tells it; None where it is not known. Use no other way in.

    Up to 18 PyAV tells a `Fraction` or None. From 19 on it tells a rational of its own, which cannot be rounded, turned
    into an integer or limited in its denominator, and is 0/1, 1/0 or 0/0 where nothing is known.
    """
    return Fraction(ratio.numerator, ratio.denominator) if ratio else None


def frame_rate(stream: "VideoStream") -> Fraction | None:
    """Frames per second on average, as the file declares or FFmpeg guesses; None where neither is known.

    A stream without a container has no average: FFmpeg says 25. What its own headers say is in the guess.
    """
    average, guess = fraction(stream.average_rate), fraction(stream.guessed_rate)
    raw = not _RAW.isdisjoint(stream.container.format.name.split(","))
    return (guess or average) if raw else (average or guess)


@contextmanager
def unify_errors(name: str, doing: str = "read") -> Iterator[None]:
    """Turn what PyAV raises into `MediaError`."""
    av = load_av()
    try:
        yield
    except av.error.FFmpegError as error:
        raise MediaError(f"cannot {doing} {name}: {error.strerror or error}") from error
    except (OSError, ValueError) as error:
        if isinstance(error, MediaError):
            raise
        raise MediaError(f"cannot {doing} {name}: {error}") from error


def open_container(
    source: str | Path | BinaryIO, *, timeout: float | None = None, options: dict[str, str] | None = None
) -> "InputContainer":
    """Open a file, an address or a byte stream.

    Args:
        source: Path, address, or an object to read bytes from.
        timeout: Seconds to wait for an address to answer, and for each piece of it.
        options: For FFmpeg's demuxer.

    Raises:
        MediaError: nothing there, no answer, empty, cut off, not a video; or an address where NIMBLEPOSE_OFFLINE is
            set.
    """
    name, options = name_source(source), dict(options or {})
    if isinstance(source, str | Path) and "://" not in str(source):
        _check_file(Path(source))  # before PyAV is asked for: whoever installs it would be told of a missing file then
    av = load_av()
    if not isinstance(source, str | Path):
        options["protocol_whitelist"] = "data"  # what bytes describe must not be fetched: FFmpeg would listen to an SDP
    elif "://" not in str(source):
        # A colon in a file's name must not make it an address; a playlist on this machine names files of this machine.
        options["protocol_whitelist"] = "file,crypto,data"
        source = _open_if_pipe(Path(source)) or f"file:{source}"
    elif not str(source).lower().startswith("file://"):
        try:
            check_online(name)
        except DownloadError as error:
            raise MediaError(str(error)) from error
    strict = int(av.__version__.split(".")[0]) <= _STRICT_TITLES
    titles = {"metadata_errors": "replace"} if strict else {}
    try:
        opened = av.open(source, "r", options=options, timeout=timeout, **titles)
    except av.error.InvalidDataError as error:
        raise MediaError(f"{name} is not a video that we can read, or damaged at its beginning") from error
    except (av.error.HTTPClientError, av.error.HTTPServerError) as error:
        raise MediaError(f"{name}: the server answered: {error.strerror}") from error
    except av.error.FFmpegError as error:
        answer = "no answer in time" if isinstance(error, av.error.ExitError) else error.strerror
        hint = "; is the address right, the device on, the network up?" if "://" in name else ""
        raise MediaError(f"cannot open {name}: {answer}{hint}") from error
    except (OSError, ValueError) as error:
        raise MediaError(f"cannot open {name}: {error}") from error
    container: InputContainer = opened
    return container


def find_video_stream(container: "InputContainer", name: str, *, max_pixels: int = MAX_PIXELS) -> "VideoStream":
    """The stream of pictures in a container; of several, the one that its author marked, else the largest.

    Raises:
        MediaError: there is none, no decoder for it, or it declares more than `max_pixels` per picture.
    """
    av = load_av()
    covers, marked = av.stream.Disposition.attached_pic, av.stream.Disposition.default
    streams = [stream for stream in container.streams.video if not stream.disposition & covers]
    if not streams:
        kind = "sound but no pictures" if container.streams.audio else "no pictures"
        raise MediaError(f"{name} holds {kind}; give a video")
    best = max(streams, key=lambda s: (bool(s.disposition & marked), (s.width or 0) * (s.height or 0), -s.index))
    if best.codec_context is None:
        raise MediaError(f"{name}: no decoder for its video; convert it to H.264")
    check_size(best.width or 0, best.height or 0, name, max_pixels)
    return best


def check_size(width: int, height: int, name: str, max_pixels: int) -> None:
    """Refuse pictures that would take all memory."""
    if width * height > max_pixels:
        raise TooManyPixelsError(f"{name} declares {width} x {height} pixels, more than the limit of {max_pixels}")


def _open_if_pipe(path: Path) -> BinaryIO | None:
    """FFmpeg itself would wait for a writer for ever."""
    if not is_pipe(path):
        return None
    try:
        return open_pipe(path)
    except OSError as error:
        if isinstance(error, MediaError):
            raise
        raise MediaError(f"cannot read {path}: {error.strerror}") from error


def _check_file(path: Path) -> None:
    """Say what FFmpeg would not: no file, a folder, nothing in it, an MP4 without its index."""
    try:
        if path.is_dir():
            raise MediaError(f"{path} is a folder, not a video")
        if path.is_file():
            if not path.stat().st_size:
                raise MediaError(f"{path} is empty (0 bytes); fetch or copy it again")
            if _lacks_index(path):
                raise MediaError(
                    f"{path} is cut off: its index (moov) is missing or broken; recorders write it last; "
                    "fetch or copy it again"
                )
        elif not path.exists():
            raise MediaError(f"{path}: no such file")
    except OSError as error:
        if isinstance(error, MediaError):
            raise
        raise MediaError(f"cannot read {path}: {error.strerror}") from error


def _lacks_index(path: Path) -> bool:
    """Is this an MP4 or MOV file whose top level has no whole `moov`?"""
    size = path.stat().st_size
    with path.open("rb") as file:
        if file.read(8)[4:] != b"ftyp":
            return False
        position = 0
        while position + 8 <= size:
            file.seek(position)
            head = file.read(16)
            length, kind = struct.unpack(">I4s", head[:8])
            if length == 1 and len(head) == 16:
                length = struct.unpack(">Q", head[8:])[0]
            if kind == b"moov":
                return bool(position + length > size)
            if length < 8:  # 0: to the end of the file; anything else is no box
                return True
            position += length
    return True


def is_cut_off(path: Path) -> bool:
    """Does a file end before its own headers say so? Told of Matroska, WebM, AVI and MP4; of others it is not known."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(64)
        if head[:4] == _EBML:
            length, after = _ebml_size(head, 4)
            start = after + length
            file.seek(start)
            segment = file.read(16)
            length, after = _ebml_size(segment, 4)
            unknown = length == (1 << 7 * (after - 4)) - 1  # of a recording that was never finished
            return segment[:4] == _SEGMENT and not unknown and start + after + length > size
        form = "<I" if head[:4] == b"RIFF" else ">I"
        if form == ">I" and head[4:8] != b"ftyp":
            return False
        position = 0
        while position + 8 <= size:
            file.seek(position)
            head = file.read(16)
            if form == "<I":  # chunks of an AVI: a kind, and the length of what follows
                length = struct.unpack("<I", head[4:8])[0] + 8
                if length in (8, (1 << 32) + 7):  # never finished
                    return False
            else:
                length = struct.unpack(">I", head[:4])[0]
                if length == 1 and len(head) == 16:
                    length = struct.unpack(">Q", head[8:])[0]
                if length < 8:
                    return False
            position += length + (length % 2 if form == "<I" else 0)
        return position > size + 1


def _ebml_size(data: bytes, at: int) -> tuple[int, int]:
    """A size as Matroska writes it, and the place behind it."""
    if at >= len(data) or not data[at]:
        return 0, at
    width = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + width], "big") & ((1 << 7 * width) - 1)
    return value, at + width
