"""COCO keypoint results, as pycocotools reads them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nimblepose.core.files import GrowingFile
from nimblepose.core.poses import Poses
from nimblepose.results.output_format import FolderMaker, Header, OutputFormat, PictureResult, VideoMaker, encode_json

if TYPE_CHECKING:
    from nimblepose.media.frames import Stamp


def coco_results(results: Sequence[PictureResult], header: Header) -> bytes:
    """A list of COCO keypoint results; `image_id` is a file's number as COCO names files, else its place from 1."""
    numbers = [int(stem) if (stem := Path(r.file).stem).isascii() and stem.isdigit() else None for r in results]
    usable = None not in numbers and len(set(numbers)) == len(numbers)
    ids = numbers if usable else range(1, len(results) + 1)
    rows = [row for image_id, r in zip(ids, results, strict=True) for row in r.poses.to_coco(int(image_id or 0))]
    return encode_json(rows) + b"\n"


class CocoResults:
    """A list of COCO keypoint results whose `image_id` is the index of the frame; closed after every frame."""

    def __init__(self, path: Path, header: Header) -> None:
        """Begin `path`, usually `*.json`."""
        self._file, self._empty = GrowingFile(path), True
        self._file.append(b"[\n]\n")
        self.finish, self.close = self._file.finish, self._file.close

    def add(self, stamp: "Stamp", poses: Poses) -> None:
        """One object per person."""
        rows = b",\n".join(encode_json(row) for row in poses.to_coco(stamp.index))
        if rows:
            comma = b"" if self._empty else b",\n"
            self._file.append(comma + rows + b"\n]\n", over=len(b"]\n" if self._empty else b"\n]\n"))
            self._empty = False


FORMAT = OutputFormat(
    name="coco",
    help="COCO results",
    folder=FolderMaker(".coco.json", coco_results),
    video=VideoMaker(".poses.coco.json", CocoResults),
)
