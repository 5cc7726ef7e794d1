"""Our own form, JSON: one document about pictures, one line per frame of a video."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nimblepose.core.files import GrowingFile
from nimblepose.core.poses import Poses
from nimblepose.results.output_format import (
    FolderMaker,
    Header,
    OutputFormat,
    PictureResult,
    VideoMaker,
    encode_json,
    round_seconds,
    to_text,
)

if TYPE_CHECKING:
    from nimblepose.media.frames import Stamp


def own_json(results: Sequence[PictureResult], header: Header) -> bytes:
    """One document: the header, then per picture its file, size and people with keypoints by name."""
    return b"".join(stream_json(results, header))


def stream_json(results: Iterable[PictureResult], header: Header) -> Iterator[bytes]:
    """That document, piece by piece."""
    head, tail = encode_json({**header.to_dict(), "pictures": [0]}).rsplit(b"0", 1)
    yield head
    for number, r in enumerate(results):
        place = {"file": r.file, "height": r.size[0], "width": r.size[1]}
        yield b"," * bool(number) + encode_json({**place, **r.poses.to_dict()})
    yield tail + b"\n"


def list_files(path: Path) -> list[str]:
    """The pictures in a document of any version."""
    document = json.loads(path.read_bytes())
    if document["format"] != "nimblepose":
        raise ValueError("another format")
    return [str(picture["file"]) for picture in document["pictures"]]


class JsonLines:
    """One line per frame: its index, time in seconds, file (of a folder of frames), size, and the people in it.

    The line of the first frame has the `header`, too: a line of its own would be one frame too many for whoever counts
    lines, and makes whole numbers of other lines to fractions in pandas.
    """

    def __init__(self, path: Path, header: Header) -> None:
        """Begin `path`, usually `*.jsonl`."""
        self._file = GrowingFile(path)
        self._before: dict[str, Any] = {"header": header.to_dict()}
        self.finish, self.close = self._file.finish, self._file.close

    def add(self, stamp: "Stamp", poses: Poses) -> None:
        """One line."""
        height, width = stamp.size
        place: dict[str, Any] = {"frame": stamp.index, "time": round_seconds(stamp.time)}
        if stamp.name:
            place["file"] = to_text(stamp.name)
        place |= {"height": height, "width": width}
        self._file.append(encode_json({**self._before, **place, **poses.to_dict()}) + b"\n")
        self._before = {}


FORMAT = OutputFormat(
    name="json",
    help="everything; of videos a line per frame",
    folder=FolderMaker(".json", own_json, list_files, stream_json),
    video=VideoMaker(".poses.jsonl", JsonLines),
)
