"""Tidy tables as CSV: one row per found keypoint."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nimblepose.core.files import GrowingFile
from nimblepose.core.poses import Poses
from nimblepose.results.output_format import FolderMaker, Header, OutputFormat, PictureResult, VideoMaker, to_text
from nimblepose.results.tables import COLUMNS, Row, iterate_rows

if TYPE_CHECKING:
    from nimblepose.media.frames import Stamp


def tidy_csv(results: Sequence[PictureResult], header: Header) -> bytes:
    """The table of many pictures."""
    return b"".join(stream_csv(results, header))


def stream_csv(results: Iterable[PictureResult], header: Header) -> Iterator[bytes]:
    """That table, piece by piece."""
    yield _encode([COLUMNS])
    yield from (_encode(_texts(iterate_rows(r.file, r.poses))) for r in results)


def list_files(path: Path) -> list[str]:
    """The pictures in which there is somebody."""
    with path.open(encoding="utf-8-sig", newline="") as file:  # with the mark that Excel wants, or without
        return list(dict.fromkeys(row["file"] for row in csv.DictReader(file)))


class TidyCsv:
    """The table of a video."""

    def __init__(self, path: Path, header: Header, *, mark: bytes = b"") -> None:
        """Begin `path`, usually `*.csv`, with a mark if there is one."""
        self._file, self._name = GrowingFile(path), header.source or ""
        self.finish, self.close = self._file.finish, self._file.close
        self._file.append(mark + _encode([COLUMNS]))

    def add(self, stamp: "Stamp", poses: Poses) -> None:
        """The rows of one frame."""
        rows = iterate_rows(to_text(stamp.name) or self._name, poses, frame=stamp.index, time=stamp.time)
        if data := _encode(_texts(rows)):
            self._file.append(data)


def _texts(rows: Iterable[Row]) -> Iterator[tuple[object, ...]]:
    """Numbers with as many decimals as they are worth, and never three: a German LibreOffice takes 430.451 for 430451.

    Truth is `TRUE` and `FALSE`, which is text to nobody; `true` is to R. An error that is not known is empty.
    """
    for file, frame, time, person, person_score, keypoint, x, y, score, interpolated, error in rows:
        scores = (f"{person_score:.4f}", f"{score:.4f}")
        yield (
            file, frame, f"{time:.6f}", person, scores[0], keypoint, f"{x:.2f}", f"{y:.2f}", scores[1],
            str(interpolated).upper(), "" if error is None else f"{error:.2f}",
        )  # fmt: skip


def _encode(rows: Iterable[Iterable[object]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


FORMAT = OutputFormat(
    name="csv",
    help="a row per keypoint",
    folder=FolderMaker(".csv", tidy_csv, list_files, stream_csv),
    video=VideoMaker(".poses.csv", TidyCsv),
)
