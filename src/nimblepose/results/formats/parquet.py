"""Tidy tables as Parquet: one row per found keypoint, with types."""

import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from nimblepose.core.files import partial, writing
from nimblepose.core.optional import import_optional
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
from nimblepose.results.tables import COLUMNS, Row, iterate_rows

if TYPE_CHECKING:
    from nimblepose.media.frames import Stamp

_KEY = b"nimblepose"  # of the header, in the metadata of the file
_TABLE_GROUP = 100_000  # rows of pictures; as long as they are few, one group is all
_ROW_GROUP = 10_000  # rows; more take memory while the file is completed, fewer are slow to read


def load_pyarrow() -> ModuleType:
    """PyArrow.

    Raises:
        MissingPackageError: it is not installed.
    """
    return import_optional("pyarrow", "Parquet")


def _schema(header: dict[str, Any]) -> Any:
    """`COLUMNS` with types, and the header as JSON under the key `nimblepose`."""
    pa = load_pyarrow()
    kinds = (
        pa.string(), pa.int64(), pa.float64(), pa.int64(), pa.float64(), pa.string(), pa.float32(), pa.float32(),
        pa.float64(), pa.bool_(), pa.float32(),
    )  # fmt: skip
    return pa.schema(list(zip(COLUMNS, kinds, strict=True)), {_KEY: encode_json(header)})


def _arrays(rows: Sequence[Row], schema: Any) -> list[Any]:
    columns = zip(*rows, strict=True) if rows else ([] for _ in schema)
    return [load_pyarrow().array(c, field.type) for c, field in zip(columns, schema, strict=True)]


def tidy_parquet(results: Sequence[PictureResult], header: Header) -> bytes:
    """The table of many pictures, as a file; its header lists all pictures, those of nobody, too.

    Raises:
        MissingPackageError: PyArrow is not installed.
    """
    return b"".join(stream_parquet(results, header))


def stream_parquet(results: Iterable[PictureResult], header: Header) -> Iterator[bytes]:
    """That file, piece by piece: a group of rows is held at a time.

    Raises:
        MissingPackageError: PyArrow is not installed.
    """
    pa = load_pyarrow()
    import pyarrow.parquet

    pictures = [{"file": r.file, "height": r.size[0], "width": r.size[1]} for r in results]
    schema = _schema({**header.to_dict(), "pictures": pictures})
    rows = (row for result in results for row in iterate_rows(result.file, result.poses))
    sink = _Pieces()
    with pyarrow.parquet.ParquetWriter(sink, schema) as table:
        while group := list(islice(rows, _TABLE_GROUP)):
            table.write_table(pa.Table.from_arrays(_arrays(group, schema), schema=schema))
            yield sink.take()
    yield sink.take()


class _Pieces(io.RawIOBase):
    """A file that gives away what was written; it knows how much that was."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting, self._size = bytearray(), 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._waiting += data
        self._size += len(data)
        return len(data)

    def tell(self) -> int:
        return self._size

    def take(self) -> bytes:
        piece = bytes(self._waiting)
        self._waiting.clear()
        return piece


def list_files(path: Path) -> list[str]:
    """The pictures in which there is somebody."""
    load_pyarrow()
    import pyarrow.parquet

    return [str(name) for name in pyarrow.parquet.read_table(path, columns=["file"])["file"].unique().to_pylist()]


class ParquetTable:
    """The table of a video; its header says how many frames were looked at, in which there may be nobody.

    Parquet cannot be read before its end is written. Until then the rows grow in an Arrow stream beside it,
    `*.partial.arrows`, one batch per frame, which PyArrow reads up to the last one.
    """

    def __init__(self, path: Path, header: Header) -> None:
        """Begin `path`, usually `*.parquet`.

        Raises:
            MediaError: the folder is missing or not writable.
            MissingPackageError: PyArrow is not installed.
        """
        pa = load_pyarrow()
        import pyarrow.ipc
        import pyarrow.parquet  # needed at the end only, but what is missing is told now

        self.path, self._growing = path, partial(path).with_suffix(".arrows")
        self._header, self._frames = header, 0
        self._schema = _schema(header.to_dict())
        with writing(path):
            self._file = pa.OSFile(str(self._growing), "wb")
            self._stream = pyarrow.ipc.new_stream(self._file, self._schema)
        self._append([])  # the stream begins with its first batch

    def add(self, stamp: "Stamp", poses: Poses) -> None:
        """The rows of one frame."""
        self._frames += 1
        rows = list(
            iterate_rows(to_text(stamp.name) or self._header.source or "", poses, frame=stamp.index, time=stamp.time)
        )
        if rows:
            self._append(rows)

    def finish(self) -> Path:
        """Turn the stream into Parquet, holding one group of rows at a time."""
        import pyarrow.ipc
        import pyarrow.parquet

        self.close()
        temporary = partial(self.path)
        schema = _schema({**self._header.to_dict(), "frames": self._frames})
        try:
            with writing(self.path):
                with (
                    pyarrow.ipc.open_stream(str(self._growing)) as batches,
                    pyarrow.parquet.ParquetWriter(str(temporary), schema) as table,
                ):
                    for group in _grouped(batches):
                        rows = load_pyarrow().Table.from_batches(group, self._schema)
                        table.write_table(rows.replace_schema_metadata(schema.metadata))
                temporary.replace(self.path)
                self._growing.unlink()
        finally:
            temporary.unlink(missing_ok=True)
        return self.path

    def close(self) -> None:
        """Leave the Arrow stream, whole."""
        if not self._file.closed:
            with writing(self.path):
                self._stream.close()
                self._file.close()

    def _append(self, rows: Sequence[Row]) -> None:
        batch = load_pyarrow().record_batch(_arrays(rows, self._schema), schema=self._schema)
        with writing(self.path):
            self._stream.write_batch(batch)


def _grouped(batches: Iterable[Any]) -> Iterator[list[Any]]:
    """Batches, as many at a time as make a row group."""
    group: list[Any] = []
    rows = 0
    for batch in batches:
        group.append(batch)
        rows += len(batch)
        if rows >= _ROW_GROUP:
            yield group
            group, rows = [], 0
    yield group  # perhaps of no batch: a table without rows has columns, too


FORMAT = OutputFormat(
    name="parquet",
    help="those rows, with types",
    requires="pyarrow",
    folder=FolderMaker(".parquet", tidy_parquet, list_files, stream_parquet),
    video=VideoMaker(".poses.parquet", ParquetTable),
)
