"""Tidy tables as CSV: one row per found keypoint."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nimblepose.core.files import GrowingFile
from nimblepose.core.poses import ROW_COLUMNS, Poses
from nimblepose.results.output_format import FolderMaker, Header, OutputFormat, PictureResult, VideoMaker

if TYPE_CHECKING:
    from nimblepose.media.frames import Stamp

PICTURE_COLUMNS = ("file", "person", "keypoint", "x", "y", "score")
VIDEO_COLUMNS = ("frame", "time", *ROW_COLUMNS)


def tidy_csv(results: Sequence[PictureResult], header: Header) -> bytes:
    """Columns `PICTURE_COLUMNS`; x and y in pixels, the first pixel's centre being 0, 0."""
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(PICTURE_COLUMNS)
    for result in results:
        for person, keypoint, x, y, score, _ in result.poses.to_rows():
            table.writerow((result.file, person, keypoint, f"{x:.2f}", f"{y:.2f}", f"{score:.4f}"))
    return text.getvalue().encode()


class TidyCsv:
    """Columns `VIDEO_COLUMNS`; seconds and pixels, the first pixel's centre being 0, 0."""

    def __init__(self, path: Path, header: Header) -> None:
        """Begin `path`, usually `*.csv`."""
        self._file = GrowingFile(path)
        self.finish, self.close = self._file.finish, self._file.close
        self._file.append((",".join(VIDEO_COLUMNS) + "\n").encode())

    def add(self, stamp: "Stamp", poses: Poses) -> None:
        """The rows of one frame."""
        text = io.StringIO(newline="")
        table = csv.writer(text, lineterminator="\n")
        for person, keypoint, x, y, score, flag in poses.to_rows():
            row = (person, keypoint, f"{x:.2f}", f"{y:.2f}", f"{score:.4f}", str(flag).lower())
            table.writerow((stamp.index, f"{stamp.time:.6f}", *row))
        if rows := text.getvalue():
            self._file.append(rows.encode())


FORMAT = OutputFormat(
    name="csv",
    help="a row per keypoint",
    folder=FolderMaker(".csv", tidy_csv),
    video=VideoMaker(".poses.csv", TidyCsv),
)
