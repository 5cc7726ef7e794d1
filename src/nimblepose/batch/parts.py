"""What was found in a unit, exact to the last bit, as one Parquet file: a row per frame or picture."""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.errors import MediaError
from nimblepose.core.optional import import_optional
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import Skeleton
from nimblepose.media.frames import Stamp

PARTS = "parts"  # their folder
_KEY = b"nimblepose"
_VERSION = 1
_ROWS = 2000  # that are held uncompressed
_ARRAYS = ("scores", "keypoints", "keypoint_scores", "limb_colours", "keypoint_errors")


class Row(NamedTuple):
    """A frame with its people; or a picture, which may have failed."""

    stamp: Stamp  # of a picture the index is its number in the group
    poses: Poses
    failure: str | None = None


class Part(NamedTuple):
    """A part that was read."""

    facts: dict[str, Any]  # of the unit
    rows: Iterator[Row]


class PartWriter:
    """Builds a part in memory: it is published whole, or not at all."""

    def __init__(self, skeleton: Skeleton | None) -> None:
        """Of people of this kind; None: nobody will be in it.

        Raises:
            MissingPackageError: PyArrow is not installed.
        """
        self._pa = import_optional("pyarrow", "batch work")
        import_optional("pyarrow.parquet", "batch work")
        self._skeleton = skeleton
        floats, whole, real = self._pa.list_(self._pa.float32()), self._pa.int32(), self._pa.float64()
        kinds = {"frame": self._pa.int64(), "time": real, "height": whole, "width": whole}
        kinds |= {"shot": whole, "shift_x": real, "shift_y": real, "failure": self._pa.string()}
        self._schema = self._pa.schema(list(kinds.items()) + [(name, floats) for name in _ARRAYS])
        self._sink = self._pa.BufferOutputStream()
        self._writer = self._pa.parquet.ParquetWriter(self._sink, self._schema, compression="zstd")
        self._rows: list[dict[str, Any]] = []
        self.count = self.people = 0

    def add(self, stamp: Stamp, poses: Poses, failure: str | None = None) -> None:
        """The next frame or picture."""
        arrays = {name: getattr(poses, name) for name in _ARRAYS}
        flat = {name: None if array is None else array.ravel() for name, array in arrays.items()}
        place = {"frame": stamp.index, "time": stamp.time, "height": stamp.size[0], "width": stamp.size[1]}
        x, y = poses.camera_shift
        self._rows.append({**place, "shot": poses.shot, "shift_x": x, "shift_y": y, "failure": failure, **flat})
        self.count, self.people = self.count + 1, self.people + len(poses)
        if len(self._rows) >= _ROWS:
            self._flush()

    def finish(self, facts: Mapping[str, Any]) -> bytes:
        """The whole part, with what is to be known of the unit, as plain data."""
        self._flush()
        head = {"part": _VERSION, "skeleton": self._skeleton and self._skeleton.to_dict(), "facts": dict(facts)}
        self._writer.add_key_value_metadata({_KEY: json.dumps(head).encode()})
        self._writer.close()
        return bytes(self._sink.getvalue())

    def _flush(self) -> None:
        columns = [self._pa.array([row[field.name] for row in self._rows], field.type) for field in self._schema]
        self._writer.write_table(self._pa.Table.from_arrays(columns, schema=self._schema))
        self._rows = []


def read_part(data: bytes, name: str) -> Part:
    """A part from its bytes; rows are decoded as they are taken.

    Raises:
        MediaError: it is none, or damaged; `name` is named. Rows may raise it, too.
    """
    pa = import_optional("pyarrow", "batch work")
    parquet = import_optional("pyarrow.parquet", "batch work")
    try:
        file = parquet.ParquetFile(pa.BufferReader(data))
        head = json.loads(file.metadata.metadata[_KEY])
        if head["part"] != _VERSION:
            raise ValueError("another version")
        skeleton = None if head["skeleton"] is None else Skeleton.from_dict(head["skeleton"])
        return Part(head["facts"], iter(()) if skeleton is None else _read_rows(file, skeleton, name))
    except (pa.ArrowException, ValueError, KeyError, TypeError) as error:
        raise MediaError(f"{name} is no part, or damaged ({error!r}); remove it, and run again") from error


def pack(picture: NDArray[np.uint8]) -> list[Any]:
    """A small picture as plain data."""
    return [list(picture.shape), base64.b64encode(np.ascontiguousarray(picture).tobytes()).decode()]


def unpack(value: Sequence[Any]) -> NDArray[np.uint8]:
    """What `pack` made."""
    return np.frombuffer(base64.b64decode(value[1]), np.uint8).reshape(value[0])


def _read_rows(file: Any, skeleton: Skeleton, name: str) -> Iterator[Row]:
    try:
        for batch in file.iter_batches(batch_size=_ROWS):
            yield from _rows_of(batch, skeleton)
    except (OSError, ValueError) as error:
        raise MediaError(f"{name} is damaged ({error!r}); remove it, and run again") from error


def _rows_of(batch: Any, skeleton: Skeleton) -> Iterable[Row]:
    k, limbs = len(skeleton.keypoints), len(skeleton.limbs)
    shapes = {"scores": (-1,), "keypoints": (-1, k, 2), "keypoint_scores": (-1, k), "limb_colours": (-1, limbs, 3)}
    if "keypoint_errors" in batch.schema.names:  # earlier parts have none
        shapes["keypoint_errors"] = (-1, k)
    columns = {field: batch.column(field).to_pylist() for field in batch.schema.names if field not in _ARRAYS}
    arrays = {field: _split(batch.column(field), shape) for field, shape in shapes.items()}
    for i in range(batch.num_rows):
        about = {field: values[i] for field, values in columns.items()}
        stamp = Stamp(about["frame"], about["time"], (about["height"], about["width"]))
        poses = Poses(
            skeleton,
            keypoints=arrays["keypoints"][i],
            keypoint_scores=arrays["keypoint_scores"][i],
            scores=arrays["scores"][i],
            limb_colours=arrays["limb_colours"][i],
            keypoint_errors=arrays["keypoint_errors"][i] if "keypoint_errors" in arrays else None,
            shot=about["shot"],
            camera_shift=(about["shift_x"], about["shift_y"]),
        )
        yield Row(stamp, poses, about["failure"])


def _split(column: Any, shape: tuple[int, ...]) -> list[Any]:
    """The arrays of a column of lists; None where there is none."""
    values, ends = column.values.to_numpy(zero_copy_only=False), column.offsets.to_numpy()
    there = column.is_valid().to_pylist()
    size = int(np.prod([n for n in shape if n > 0])) if len(shape) > 1 else 1
    return [
        np.array(values[a:b], np.float32).reshape((b - a) // size, *shape[1:]) if valid else None
        for a, b, valid in zip(ends[:-1].tolist(), ends[1:].tolist(), there, strict=True)
    ]
