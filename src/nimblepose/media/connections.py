"""What delivers live frames: cameras, through OpenCV, and streams of the network, through PyAV."""

import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from nimblepose.core.errors import MediaError
from nimblepose.media.containers import (
    check_size,
    find_video_stream,
    frame_rate,
    load_av,
    name_source,
    open_container,
)
from nimblepose.media.conversion import FrameConverter
from nimblepose.media.frames import StreamInfo
from nimblepose.media.levels import Levels
from nimblepose.media.live import PATIENCE, Arrival, LiveOptions
from nimblepose.media.pictures import MAX_PIXELS, Picture

if TYPE_CHECKING:
    from av.container import InputContainer

_WITHOUT_TIMES = {"mpjpeg", "mjpeg", "image2pipe", "jpeg_pipe"}  # FFmpeg makes up 25 frames per second for them
_IN_BURSTS = {"hls", "dash"}  # whole segments arrive at once


class NetworkStream:
    """A live address, open from the beginning."""

    def __init__(self, address: str, options: LiveOptions = PATIENCE, *, levels: Levels = "auto") -> None:
        """Connect.

        Raises:
            MediaError: a wrong address, no answer, no video.
            MissingPackageError: PyAV is not installed.
        """
        self._address, self._name, self._timeout = address, name_source(address), options.timeout
        self._levels = levels
        self.container: InputContainer | None = self._open()
        try:
            stream = find_video_stream(self.container, self._name, max_pixels=MAX_PIXELS)
        except MediaError:
            self.container.close()
            raise
        self.info = StreamInfo(self._name, None, frame_rate(stream))

    def read_arrivals(self, stop: threading.Event) -> Iterator[Arrival]:
        """Frames until the connection is lost, which is closed then."""
        container, self.container = self.container or self._open(), None
        av = load_av()
        try:
            stream = find_video_stream(container, self._name, max_pixels=MAX_PIXELS)
            stream.thread_type = "SLICE"  # a thread per frame would deliver frames late
            kinds = set(container.format.name.split(","))
            timed, bursts = not kinds & _WITHOUT_TIMES, bool(kinds & _IN_BURSTS)
            converter, ahead = FrameConverter(self._levels), 0.0
            for packet in container.demux(stream):
                try:
                    frames = packet.decode()
                except av.error.InvalidDataError:  # a stream joined in the middle begins with pieces of a picture
                    continue
                for frame in frames:
                    check_size(frame.width, frame.height, self._name, MAX_PIXELS)
                    seconds = None if not timed or frame.time is None else float(frame.time)
                    if bursts and seconds is not None:
                        ahead = ahead or seconds - time.monotonic()
                        stop.wait(min(10.0, max(0.0, seconds - time.monotonic() - ahead)))
                    yield Arrival(seconds, partial(converter.convert, frame))
        except av.error.FFmpegError as error:
            timed_out = isinstance(error, av.error.ExitError)
            reason = f"no frame for {self._timeout:g} s" if timed_out else str(error.strerror)
            raise MediaError(f"{self._name}: {reason}") from error
        finally:
            container.close()

    def _open(self) -> "InputContainer":
        options = {"rtsp_transport": "tcp"} if self._address.lower().startswith("rtsp") else {}  # UDP loses pictures
        return open_container(self._address, timeout=self._timeout, options=options)


class Camera:
    """A camera of this machine, open from the beginning."""

    def __init__(self, number: int | str) -> None:
        """Open it.

        Args:
            number: 0 is the first; or a device, `/dev/video0`.

        Raises:
            MediaError: it is not there, or another program has it.
        """
        self._device = number
        self._name = f"camera {number}" if isinstance(number, int) else number
        self._capture: Any = self._open()
        width, height = (int(self._capture.get(p)) for p in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        check_size(width, height, self._name, MAX_PIXELS)
        self.info = StreamInfo(self._name)

    def read_arrivals(self, stop: threading.Event) -> Iterator[Arrival]:
        """Frames until the camera is gone."""
        capture, self._capture = self._capture or self._open(), None
        try:
            while not stop.is_set():
                read, picture = capture.read()
                if not read:
                    raise MediaError(f"{self._name} delivers no frames any more; is it still plugged in?")
                yield Arrival(None, partial(_convert_bgr, picture))
        finally:
            capture.release()

    def _open(self) -> Any:
        check_device(self._device, self._name)
        capture = cv2.VideoCapture(self._device)
        if not capture.isOpened():
            capture.release()
            raise MediaError(f"{self._name} cannot be opened; is it plugged in, and not in use by another program?")
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        return capture


def check_device(device: int | str, name: str) -> None:
    """Say on Linux what is wrong; OpenCV would only print a warning and fail.

    Raises:
        MediaError: it is not there, or not ours to read.
    """
    if sys.platform != "linux":
        return
    path = Path(f"/dev/video{device}" if isinstance(device, int) else device)
    there = sorted(str(p) for p in Path("/dev").glob("video*") if re.fullmatch(r"video\d+", p.name))
    if not path.exists():
        raise MediaError(f"{name} is not there; this machine has {', '.join(there) or 'no camera'}")
    if not os.access(path, os.R_OK | os.W_OK):
        raise MediaError(f"{name}: no permission to use {path}; is the user in its group (video)?")


def is_live(container: "InputContainer") -> bool:
    """Has this open container no end that is known, as recordings have?"""
    return container.duration is None


def _convert_bgr(bgr: NDArray[np.uint8]) -> Picture:
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
