"""Pictures of what results are about, where their sources are still at hand."""

import os
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from nimblepose.core.errors import PoseError
from nimblepose.media.frames import Selection
from nimblepose.media.pictures import Picture, read_picture
from nimblepose.media.sources import is_recorded, open_frames
from nimblepose.media.turning import turn
from nimblepose.report.bins import Sighting


def find_source(name: str, results: Path) -> Path | None:
    """The file or folder that results call their source: as it was given, or of the same name beside the results."""
    if not name or "\0" in name or not is_recorded(name):
        return None
    try:
        places = (Path(name).expanduser(), results.parent / Path(name).name)
        return next((place for place in places if place.exists()), None)
    except OSError:  # no name that a file can have
        return None


def make_link(source: Path, page: Path) -> str:
    """The address of a file, as a page in another folder calls it; nothing of a folder, which no player opens."""
    if not source.is_file():
        return ""
    try:
        return quote(Path(os.path.relpath(source.resolve(), page.resolve().parent)).as_posix())
    except ValueError:  # on another drive
        return source.resolve().as_uri()


class Stills:
    """Frames of one video, or pictures by their names. What cannot be read is left out: the page goes without."""

    def __init__(self, video: str | None, results: Path, *, rate: float | None = None, rotation: int = 0) -> None:
        """Of a video, or of pictures.

        Args:
            video: A file, or a folder of frames, as the results name it; None: pictures.
            results: Their results, beside which pictures may lie.
            rate: Frames per second of folders; None: 25.
            rotation: By which they were turned.
        """
        self._is_video, self._results, self._rate = video is not None, results, rate or 25.0
        self._rotation = rotation
        self._video = find_source(video or "", results)

    def read(self, time: float) -> Picture | None:
        """The frame that is shown at a time in seconds."""
        if self._video is None:
            return None
        try:
            selection = Selection(start=max(0.0, time - 1e-4))  # times are written with six decimals
            with closing(open_frames(self._video, selection, rate=self._rate, rotation=self._rotation)) as frames:
                return next((frame.image for frame in frames), None)
        except PoseError:
            return None

    def find(self, sighting: Sighting) -> Picture | None:
        """The frame or picture in which a pose was seen."""
        if self._is_video:
            return self.read(sighting.time)
        path = find_source(sighting.file, self._results)
        try:
            return None if path is None else turn(read_picture(path), self._rotation)
        except PoseError:
            return None

    def link(self, sighting: Sighting, page: Path) -> str:
        """The address of the picture, or of the video at its time; "" of what is not at hand."""
        if not self._is_video:
            path = find_source(sighting.file, self._results)
            return make_link(path, page) if path else ""
        link = make_link(self._video, page) if self._video else ""
        return f"{link}#t={sighting.time:.2f}" if link else ""
