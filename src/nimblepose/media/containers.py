"""Video containers and streams, opened with PyAV; whatever goes wrong becomes one kind of error."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, BinaryIO

import cv2
import numpy as np

from nimblepose.core.errors import DownloadError, MediaError
from nimblepose.core.optional import import_optional
from nimblepose.core.web import check_online, without_secrets
from nimblepose.media.pictures import Picture

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter
    from av.video.stream import VideoStream

_UNSPECIFIED = 2  # AVCOL_SPC_UNSPECIFIED
_HD_HEIGHT = 720  # players take untagged colours of this height and more for BT.709, of less for BT.601
_QUARTER_TURNS = {1: cv2.ROTATE_90_COUNTERCLOCKWISE, 2: cv2.ROTATE_180, 3: cv2.ROTATE_90_CLOCKWISE}


def load_av() -> ModuleType:
    """PyAV.

    Raises:
        MissingPackageError: it is not installed.
    """
    return import_optional("av", "reading or writing videos")


def printable(source: object) -> str:
    """How messages and results name a source."""
    if isinstance(source, str | Path):
        return without_secrets(str(source)) if "://" in str(source) else str(source)
    return "standard input"


@contextmanager
def one_error(name: str, doing: str = "read") -> Iterator[None]:
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
    av, name, options = load_av(), printable(source), dict(options or {})
    if not isinstance(source, str | Path):
        options["protocol_whitelist"] = "data"  # what bytes describe must not be fetched: FFmpeg would listen to an SDP
    elif "://" not in str(source):
        _check_file(Path(source))
        source = f"file:{source}"  # a colon in a file's name must not make it an address
        options["protocol_whitelist"] = "file,crypto,data"  # a playlist on this machine names files of this machine
    elif not str(source).lower().startswith("file://"):
        try:
            check_online(name)
        except DownloadError as error:
            raise MediaError(str(error)) from error
    try:
        opened = av.open(source, "r", options=options, timeout=timeout, metadata_errors="replace")
    except av.error.InvalidDataError as error:
        raise MediaError(f"{name} is not a video that we can read, or damaged at its beginning") from error
    except av.error.HTTPError as error:
        raise MediaError(f"{name}: the server answered: {error.strerror}") from error
    except av.error.FFmpegError as error:
        answer = "no answer in time" if isinstance(error, av.error.ExitError) else error.strerror
        hint = "; is the address right, the device on, the network up?" if "://" in name else ""
        raise MediaError(f"cannot open {name}: {answer}{hint}") from error
    except (OSError, ValueError) as error:
        raise MediaError(f"cannot open {name}: {error}") from error
    container: InputContainer = opened
    return container


def video_stream(container: "InputContainer", name: str, *, max_pixels: int = 100_000_000) -> "VideoStream":
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
        raise MediaError(f"{name} declares {width} x {height} pixels, more than the limit of {max_pixels}")


def picture_of(frame: "VideoFrame", reformatter: "VideoReformatter") -> Picture:
    """A decoded frame as (H, W, 3) RGB, turned upright."""
    untagged_hd = frame.colorspace == _UNSPECIFIED and frame.height >= _HD_HEIGHT
    converted = reformatter.reformat(
        frame,
        format="rgb24",
        src_colorspace=1 if untagged_hd else None,
        threads=1,  # 1: BT.709
    )
    picture: Any = converted.to_ndarray()
    turns = round(frame.rotation / 90) % 4
    return np.asarray(cv2.rotate(picture, _QUARTER_TURNS[turns]) if turns else picture, np.uint8)


def _check_file(path: Path) -> None:
    """Say what FFmpeg would not: no file, a folder, nothing in it, an MP4 without its index."""
    try:
        if path.is_dir():
            raise MediaError(f"{path} is a folder, not a video")
        if path.is_file():
            if not path.stat().st_size:
                raise MediaError(f"{path} is empty (0 bytes); fetch or copy it again")
            if _lost_index(path):
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


def _lost_index(path: Path) -> bool:
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
