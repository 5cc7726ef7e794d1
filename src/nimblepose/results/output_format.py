"""What an output format is: what it makes of a folder of pictures, of one picture, and of a video."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from nimblepose.core.errors import SkeletonError
from nimblepose.core.geometry import Size
from nimblepose.core.optional import import_optional
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import Skeleton

if TYPE_CHECKING:  # the command line's help is made from the formats, and opens neither pictures nor videos
    from nimblepose.media.frames import Stamp


VERSION = 2
"""Of our own forms; `nimblepose.results.reading` reads this one and all before."""


@dataclass(frozen=True)
class PictureResult:
    """Who was found in one picture."""

    file: str  # path or address as it was given, name_source
    size: Size  # (height, width) of the upright picture in pixels
    poses: Poses
    number: int  # of the picture, unlike those of all others in the same folder of results


@dataclass(frozen=True, kw_only=True)
class Header:
    """What is true of a whole run."""

    model: str  # name of its file without the ending
    skeletons: tuple[Skeleton, ...]  # of everybody in the results
    source: str | None = None  # the video, name_source; None: pictures, each of which has a name of its own
    rate: float | None = None  # frames per second on average, as the source declares; None: not known, or pictures
    started: datetime | None = None  # of live sources: when time was 0
    rotation: int = 0  # degrees with the clock, by which pictures or frames were turned because somebody asked for it
    names: Mapping[int, str] = field(default_factory=dict)  # of identities, where they have any

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, with the version of the form."""
        header: dict[str, Any] = {
            "format": "nimblepose",
            "version": VERSION,
            "model": self.model,
            "skeletons": {skeleton.name: skeleton.to_dict() for skeleton in self.skeletons},
        }
        if self.rotation:
            header["rotation"] = self.rotation
        if self.source is not None:
            started = self.started and self.started.astimezone(UTC).replace(tzinfo=None)
            header["source"] = self.source
            header["rate"] = None if self.rate is None else round(self.rate, 6)
            header["started"] = None if started is None else f"{started.isoformat(timespec='milliseconds')}Z"
        return header


def name_person(number: int, header: Header | None = None) -> str:
    """What somebody is called where everybody needs a name.

    >>> name_person(3)
    'person3'
    """
    return (header.names.get(number) if header else None) or f"person{number}"


class PoseFile(Protocol):
    """Grows under a partial name, and is renamed when complete."""

    def add(self, stamp: "Stamp", poses: Poses) -> None:
        """The people of the next frame; raises `MediaError` if they cannot be written."""

    def finish(self) -> Path:
        """Complete it and return its path."""

    def close(self) -> None:
        """Leave it under its partial name, readable up to the last frames."""


class FolderMaker(NamedTuple):
    """Makes one file about all pictures that have their results in one folder.

    `stream` takes results that may be iterated over twice, and need not all be held.
    """

    ending: str  # of its name
    make: Callable[[Sequence[PictureResult], Header], bytes]
    list_files: Callable[[Path], Iterable[str]] | None = None  # pictures that such a file is about; None: it is silent
    stream: Callable[[Iterable[PictureResult], Header], Iterator[bytes]] | None = None  # `make`, piece by piece


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
    keypoints: tuple[str, ...] = ()  # it has places for these only; (): for those of every skeleton
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

    def check_skeleton(self, skeleton: Skeleton) -> None:
        """Say before the work that it has no place for anything of a skeleton.

        Raises:
            SkeletonError: that is so.
        """
        if self.keypoints and not set(self.keypoints) & set(skeleton.keypoints):
            raise SkeletonError(
                f"the format {self.name} has places for {', '.join(self.keypoints[:3])} and so on, the skeleton "
                f"{skeleton.name!r} has {', '.join(skeleton.keypoints[:3])} and so on: choose another format"
            )


def encode_json(value: Any) -> bytes:
    """Compact JSON in one line, without a line break.

    Raises:
        ValueError: a number is not finite: JSON knows none such.
    """
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def round_seconds(time: float) -> float:
    """Seconds as all forms write them, so that their tables can be joined: six decimals, as sources have them."""
    return round(time, 6)


def to_text(name: str) -> str:
    r"""The name of a file as text that every reader takes: what is not UTF-8 in it is replaced.

    >>> to_text("caf\udce9.jpg") == "caf\ufffd.jpg"  # as Python gives a name in Latin-1
    True
    """
    return name.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
