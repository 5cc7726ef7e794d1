"""COCO keypoint results, as pycocotools reads them."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nimblepose.core.files import GrowingFile
from nimblepose.core.poses import Poses
from nimblepose.results.output_format import (
    FolderMaker,
    Header,
    OutputFormat,
    PictureResult,
    VideoMaker,
    encode_json,
    to_text,
)

if TYPE_CHECKING:
    from nimblepose.media.frames import Stamp


def coco_results(results: Sequence[PictureResult], header: Header) -> bytes:
    """A list of COCO keypoint results; `image_id` is the number of the picture, `file_name` its name."""
    return b"".join(stream_coco(results, header))


def stream_coco(results: Iterable[PictureResult], header: Header) -> Iterator[bytes]:
    """That list, piece by piece."""
    rows = (encode_json(row) for r in results for row in r.poses.to_coco(r.number, file_name=r.file))
    yield b"["
    for number, row in enumerate(rows):
        yield b"," * bool(number) + row
    yield b"]\n"


def list_files(path: Path) -> list[str]:
    """The pictures in which there is somebody; nimblepose 0.1 did not write their names."""
    return list(dict.fromkeys(str(row["file_name"]) for row in json.loads(path.read_bytes()) if "file_name" in row))


class CocoResults:
    """A list of COCO keypoint results, whole after every frame; `image_id` is its index.

    `file_name` is the video, or of a folder of frames the picture.
    """

    def __init__(self, path: Path, header: Header) -> None:
        """Begin `path`, usually `*.json`."""
        self._file, self._name, self._empty = GrowingFile(path), header.source, True
        self._file.append(b"[\n]\n")
        self.finish, self.close = self._file.finish, self._file.close

    def add(self, stamp: "Stamp", poses: Poses) -> None:
        """One object per person."""
        rows = b",\n".join(
            encode_json(row) for row in poses.to_coco(stamp.index, file_name=to_text(stamp.name) or self._name)
        )
        if rows:
            comma = b"" if self._empty else b",\n"
            self._file.append(comma + rows + b"\n]\n", over=len(b"]\n" if self._empty else b"\n]\n"))
            self._empty = False


FORMAT = OutputFormat(
    name="coco",
    help="COCO results",
    folder=FolderMaker(".coco.json", coco_results, list_files, stream_coco),
    video=VideoMaker(".poses.coco.json", CocoResults),
)
