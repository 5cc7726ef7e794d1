"""The same tables for Excel, which takes a CSV for the code page of the system unless it begins with a mark.

Everybody else reads names beyond ASCII without it, and some (Python's `csv`, R) would take the mark for a part of the
first column's name, so it is a form of its own.
"""

from collections.abc import Sequence
from pathlib import Path

from nimblepose.results.formats import csv_table
from nimblepose.results.output_format import FolderMaker, Header, OutputFormat, PictureResult, VideoMaker

_MARK = "\ufeff".encode()


def excel_csv(results: Sequence[PictureResult], header: Header) -> bytes:
    """The table of many pictures."""
    return _MARK + csv_table.tidy_csv(results, header)


def begin(path: Path, header: Header) -> csv_table.TidyCsv:
    """The table of a video."""
    return csv_table.TidyCsv(path, header, mark=_MARK)


FORMAT = OutputFormat(
    name="excel",
    help="csv with the mark by which Excel knows UTF-8",
    folder=FolderMaker(".excel.csv", excel_csv, csv_table.list_files),
    video=VideoMaker(".poses.excel.csv", begin),
)
