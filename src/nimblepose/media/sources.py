"""What does a person mean: files, folders, patterns, cameras and addresses become pictures or one stream of frames."""

import glob
import re
import sys
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from nimblepose.core.errors import MediaError
from nimblepose.media.animation import AnimatedPicture
from nimblepose.media.connections import Camera, NetworkStream, check_device, is_live
from nimblepose.media.containers import open_container
from nimblepose.media.finding import find_kind, find_media, is_folder, is_there
from nimblepose.media.folder import PictureFrames
from nimblepose.media.frames import EVERYTHING, FrameSource, Selection
from nimblepose.media.levels import Levels
from nimblepose.media.live import PATIENCE, LiveOptions, LiveSource
from nimblepose.media.pictures import is_animated
from nimblepose.media.pipes import is_pipe
from nimblepose.media.suffixes import VIDEO_SUFFIXES
from nimblepose.media.turning import TurnedFrames, check_rotation
from nimblepose.media.video import VideoFile

STANDARD_INPUT = "-"
_STREAM_SCHEMES = ("rtsp", "rtsps", "rtmp", "rtmps", "udp", "rtp", "srt", "tcp")
_CAMERA_DIGITS = 5  # a longer number is the name of a file


def is_video(source: str) -> bool:
    """Is this certainly no picture: a camera, standard input, a stream's address, or a video by name?

    A file whose name does not say what it is is opened to see.

    >>> [is_video(s) for s in ("match.MP4", "0", "rtsp://door.local/1", "https://a.org/live.m3u8?k=1")]
    [True, True, True, True]
    >>> [is_video(s) for s in ("a.jpg", "photos", "https://a.org/photo")]
    [False, False, False]
    """
    if source == STANDARD_INPUT or is_camera(source) or _find_scheme(source) in _STREAM_SCHEMES:
        return True
    if _find_scheme(source):
        return re.split(r"[?#]", source)[0].lower().endswith(VIDEO_SUFFIXES)
    return not is_folder(source) and find_kind(Path(source)) == "video"


def is_camera(source: str) -> bool:
    """A number, unless there is a file or folder of that name, or a video device."""
    number = source.isdecimal() and len(source) <= _CAMERA_DIGITS
    return (number and not is_there(source)) or re.fullmatch(r"/dev/video\d+", source) is not None


def is_pattern(source: str | Path) -> bool:
    """Does this fit names, being none itself?"""
    return glob.has_magic(str(source)) and not is_there(Path(source).expanduser())


def is_recorded(source: str | Path) -> bool:
    """Can this be read again from its beginning: a file, folder or pattern on this machine, but no pipe?"""
    name = str(source)
    return not (is_pipe(Path(name)) or name == STANDARD_INPUT or is_camera(name) or _find_scheme(name))


def has_no_clock(source: str | Path) -> bool:
    """Does nothing in it say when its frames were taken, unless their names do: a folder, a pattern, pages?"""
    path = Path(source).expanduser()
    return is_recorded(source) and (is_folder(path) or is_pattern(source) or is_animated(path))


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
    rotation: int = 0,
) -> FrameSource:
    """One stream of frames from whatever a person may mean by `source`.

    Args:
        source: A video file; an animation (GIF, WebP, APNG), or a file of several pages (TIFF); a folder or pattern of
            pictures; the number or device of a camera; an rtsp, http, HLS or other address; "-" for standard input, or
            an object to read bytes from.
        selection: Which frames.
        rate: Pictures per second of folders, patterns and pages.
        live: Waiting and reconnecting, for cameras and live addresses.
        levels: Of pictures of more than 8 bits: which values become black and white.
        rotation: By which frames are turned, with the clock, after what the source itself says is upright.

    Raises:
        MediaError: nothing there, no answer, not a video.
        MissingPackageError: PyAV is not installed.
        OptionError: no such rotation.
    """
    check_rotation(rotation)
    frames = _open(source, selection, rate=rate, live=live, levels=levels)
    return TurnedFrames(frames, rotation) if rotation else frames


def _open(
    source: str | int | Path | BinaryIO, selection: Selection, *, rate: float, live: LiveOptions, levels: Levels
) -> FrameSource:
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
    if is_folder(path) or is_pattern(name):
        pictures, videos, _ = find_media(name)
        if not pictures:
            raise MediaError(f"{name}: {len(videos)} videos, such as {videos[0]}; give one at a time")
        return PictureFrames(name, pictures, selection, rate=rate, levels=levels)
    if is_animated(path):
        return AnimatedPicture(path, selection, rate=rate, levels=levels)
    return VideoFile(path, selection, levels=levels)


def _find_scheme(source: str) -> str:
    """What stands before `://`, in small letters; nothing for files."""
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", source)
    return match.group(1).lower() if match else ""
