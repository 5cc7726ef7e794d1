"""What does a person mean: files, folders, patterns, cameras and addresses become pictures or one stream of frames."""

import glob
import re
import sys
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from nimblepose.core.errors import MediaError
from nimblepose.media.connections import Camera, NetworkStream, check_device, is_live
from nimblepose.media.containers import open_container
from nimblepose.media.folder import PictureFrames
from nimblepose.media.frames import EVERYTHING, FrameSource, Selection
from nimblepose.media.levels import Levels
from nimblepose.media.live import PATIENCE, LiveOptions, LiveSource
from nimblepose.media.video import VideoFile

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".jp2", ".avif")
VIDEO_SUFFIXES = (
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".m2v", ".ts", ".m2ts", ".mts", ".wmv",
    ".flv", ".3gp", ".ogv", ".vob", ".mxf", ".y4m", ".h264", ".h265", ".hevc", ".264", ".265", ".mjpg", ".mjpeg",
    ".m3u8", ".mpd",
)  # fmt: skip
STANDARD_INPUT = "-"
_STREAM_SCHEMES = ("rtsp", "rtsps", "rtmp", "rtmps", "udp", "rtp", "srt", "tcp")
_CAMERA_DIGITS = 5  # a longer number is the name of a file
ANNOTATED = ".poses"  # stands before the suffix of every picture that we draw


def find_pictures(source: str) -> list[Path]:
    """The files that `source` means, sorted: itself, the pictures of a folder, or what a pattern (`*`, `?`, `**`) fits.

    Folders are not descended into (write `folder/**/*.jpg`). Pictures that were annotated by us are left out, and so
    are hidden files (`._NAME` of macOS, `.trashed-NAME` of Android), unless they are named outright.

    Raises:
        MediaError: nothing is there.
    """
    path = Path(source).expanduser()
    if path.is_dir():
        found = sorted(p for p in path.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES and p.is_file())
        found = [p for p in found if not p.stem.endswith(ANNOTATED) and not p.name.startswith(".")]
        if not found:
            raise MediaError(f"{source}: no pictures in this folder; for its sub-folders write {source}/**/*.jpg")
        return found
    if path.exists() or not glob.has_magic(source):
        return [path]  # a missing file gets its error where it is read
    matches = sorted(Path(name) for name in glob.iglob(str(path), recursive=True))  # noqa: PTH207 - absolute patterns
    found = [p for p in matches if p.is_file() and not p.stem.endswith(ANNOTATED)]
    if not found:
        raise MediaError(f"{source}: no file fits this pattern")
    return found


def is_video(source: str) -> bool:
    """Is this certainly no picture: a camera, standard input, a stream's address, or a name that ends as videos do?

    >>> [is_video(s) for s in ("match.MP4", "0", "rtsp://door.local/1", "https://a.org/live.m3u8?k=1")]
    [True, True, True, True]
    >>> [is_video(s) for s in ("a.jpg", "photos", "https://a.org/photo")]
    [False, False, False]
    """
    if source == STANDARD_INPUT or is_camera(source) or _find_scheme(source) in _STREAM_SCHEMES:
        return True
    path = re.split(r"[?#]", source)[0] if _find_scheme(source) else source
    return path.lower().endswith(VIDEO_SUFFIXES) and not is_folder(source)


def is_camera(source: str) -> bool:
    """A number, unless there is a file or folder of that name, or a video device."""
    number = source.isdecimal() and len(source) <= _CAMERA_DIGITS
    return (number and not is_there(source)) or re.fullmatch(r"/dev/video\d+", source) is not None


def is_recorded(source: str | Path) -> bool:
    """Can this be read again from its beginning: a file, folder or pattern on this machine?"""
    name = str(source)
    return not (name == STANDARD_INPUT or is_camera(name) or _find_scheme(name))


def is_endless(source: str, live: LiveOptions = PATIENCE) -> bool:
    """Does this go on until somebody stops it: a camera, a live address? Addresses are opened to see.

    Raises:
        MediaError: a camera that is not there, an address that does not answer.
    """
    if is_camera(source):
        check_device(int(source) if source.isdecimal() else source, f"camera {source}")
        return True
    scheme = _find_scheme(source)
    if not scheme:
        return False
    with closing(open_container(source, timeout=live.timeout)) as container:
        return scheme in _STREAM_SCHEMES or is_live(container)


def open_frames(
    source: str | int | Path | BinaryIO,
    selection: Selection = EVERYTHING,
    *,
    rate: float = 25,
    live: LiveOptions = PATIENCE,
    levels: Levels = "auto",
) -> FrameSource:
    """One stream of frames from whatever a person may mean by `source`.

    Args:
        source: A video file; a folder or pattern of pictures; the number or device of a camera; an rtsp, http, HLS or
            other address; "-" for standard input, or an object to read bytes from.
        selection: Which frames.
        rate: Pictures per second of folders and patterns.
        live: Waiting and reconnecting, for cameras and live addresses.
        levels: Of pictures of more than 8 bits: which values become black and white.

    Raises:
        MediaError: nothing there, no answer, not a video.
        MissingPackageError: PyAV is not installed.
    """
    if not isinstance(source, str | int | Path):
        return VideoFile(source, selection, levels=levels)
    name = str(source)
    if name == STANDARD_INPUT:
        return VideoFile(sys.stdin.buffer, selection, levels=levels)
    if isinstance(source, int) or is_camera(name):
        return LiveSource(Camera(int(name) if name.isdecimal() else name), selection, live)
    if _find_scheme(name):
        stream = NetworkStream(name, live, levels=levels)
        if _find_scheme(name) in _STREAM_SCHEMES or stream.container is None or is_live(stream.container):
            return LiveSource(stream, selection, live)
        return VideoFile(name, selection, container=stream.container, levels=levels)
    path = Path(name).expanduser()
    if is_folder(path) or (glob.has_magic(name) and not is_there(path)):
        return PictureFrames(name, find_pictures(name), selection, rate=rate, levels=levels)
    return VideoFile(path, selection, levels=levels)


def is_folder(source: str | Path) -> bool:
    """Is there a folder of this name? False for what can be no name, such as one that is too long, too."""
    try:
        return Path(source).is_dir()
    except OSError:
        return False


def is_there(source: str | Path) -> bool:
    """Is there anything of this name? False for what can be no name."""
    try:
        return Path(source).exists()
    except OSError:
        return False


def _find_scheme(source: str) -> str:
    """What stands before `://`, in small letters; nothing for files."""
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", source)
    return match.group(1).lower() if match else ""
