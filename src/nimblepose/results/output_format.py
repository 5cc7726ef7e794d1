"""What an output format is: what it makes of a folder of pictures, of one picture, and of a video."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from nimblepose.core.geometry import Size
from nimblepose.core.optional import import_optional
from nimblepose.core.poses import Poses

if TYPE_CHECKING:  # the command line's help is made from the formats, and opens neither pictures nor videos
    from nimblepose.media.frames import Stamp


@dataclass(frozen=True)
class PictureResult:
    """Who was found in one picture."""

    file: str  # path or address as it was given
    size: Size  # (height, width) of the upright picture in pixels
    poses: Poses


@dataclass(frozen=True, kw_only=True)
class Header:
    """What is true of a whole run."""

    model: str  # name of the file without its ending


class PoseFile(Protocol):
    """Grows under a partial name, and is renamed when complete."""

    def add(self, stamp: "Stamp", poses: Poses) -> None:
        """The people of the next frame; raises `MediaError` if they cannot be written."""

    def finish(self) -> Path:
        """Complete it and return its path."""

    def close(self) -> None:
        """Leave it under its partial name, readable up to the last frames."""


class FolderMaker(NamedTuple):
    """Makes one file about all pictures that have their results in one folder."""

    ending: str  # of its name
    make: Callable[[Sequence[PictureResult], Header], bytes]


class PictureMaker(NamedTuple):
    """Makes one file per picture."""

    ending: str  # of its name, which begins like the picture's
    make: Callable[[PictureResult], bytes]


class VideoMaker(NamedTuple):
    """Begins what is written about one video, frame by frame."""

    ending: str  # of its name, which begins like the video's
    begin: Callable[[Path, Header], PoseFile]


@dataclass(frozen=True, kw_only=True)
class OutputFormat:
    """A way to write poses down; `nimblepose.results.formats.FORMATS` is the table of them."""

    name: str  # as `--format` takes it
    help: str  # what it is, in a few words
    requires: str | None = None  # a module that not everybody has
    folder: FolderMaker | None = None
    picture: PictureMaker | None = None
    video: VideoMaker | None = None

    def check_available(self) -> None:
        """Say before the work, not after it, that something is missing.

        Raises:
            MissingPackageError: what it requires is not installed.
        """
        if self.requires:
            import_optional(self.requires, f"the format {self.name}")


def encode_json(value: Any) -> bytes:
    """Compact JSON in one line, without a line break.

    Raises:
        ValueError: a number is not finite: JSON knows none such.
    """
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
