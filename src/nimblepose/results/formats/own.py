"""Our own form, JSON: one document about pictures, one line per frame of a video."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nimblepose.core.files import GrowingFile
from nimblepose.core.poses import Poses
from nimblepose.results.output_format import FolderMaker, Header, OutputFormat, PictureResult, VideoMaker, encode_json

if TYPE_CHECKING:
    from nimblepose.media.frames import Stamp


def own_json(results: Sequence[PictureResult], header: Header) -> bytes:
    """One document: the skeletons once, then per picture its file, size and people with keypoints by name."""
    skeletons = {result.poses.skeleton.name: result.poses.skeleton.to_dict() for result in results}
    pictures = [{"file": r.file, "height": r.size[0], "width": r.size[1], **r.poses.to_dict()} for r in results]
    about = {"format": "nimblepose", "version": 1, "model": header.model, "skeletons": skeletons}
    return encode_json({**about, "pictures": pictures}) + b"\n"


class JsonLines:
    """One line per frame: its index, time in seconds, size, and the people with keypoints by name."""

    def __init__(self, path: Path, header: Header) -> None:
        """Begin `path`, usually `*.jsonl`."""
        self._file = GrowingFile(path)
        self.finish, self.close = self._file.finish, self._file.close

    def add(self, stamp: "Stamp", poses: Poses) -> None:
        """One line."""
        height, width = stamp.size
        place = {"frame": stamp.index, "time": stamp.time, "height": height, "width": width}
        self._file.append(encode_json({**place, **poses.to_dict()}) + b"\n")


FORMAT = OutputFormat(
    name="json",
    help="everything; of videos a line per frame",
    folder=FolderMaker(".json", own_json),
    video=VideoMaker(".poses.jsonl", JsonLines),
)
