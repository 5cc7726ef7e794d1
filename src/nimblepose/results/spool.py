"""Frames kept on the disk until all are there: for forms that name everybody before their first row."""

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import FileIO
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from nimblepose.core.files import open_held, partial, write_whole, writing
from nimblepose.core.optional import import_optional
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import Skeleton
from nimblepose.results.output_format import Header, to_text

if TYPE_CHECKING:
    from nimblepose.media.frames import Stamp

_HEAD = struct.Struct("<qdiiiBBi")  # index, time, height, width, people, identities?, flags?, bytes of the name
T = TypeVar("T")
_ROWS = 1 << 20  # bytes that are read at a time


class Spool:
    """A file of frames. Iterate over it, as often as you like; memory is that of one frame.

    Attributes:
        frames: How many there are.
        people: Numbers of everybody in them, in the order in which they come: identities, or places in the frame.
        last: The last one's index.
        size: (height, width) of the first one.
    """

    def __init__(self, path: Path, skeleton: Skeleton) -> None:
        """Begin; an older one is replaced.

        Raises:
            MediaError: the folder is missing or not writable.
        """
        self.path, self.skeleton = path, skeleton
        self.frames, self.last, self.size = 0, -1, (0, 0)
        self.people: dict[int, None] = {}
        self._file: FileIO = open_held(path)
        with writing(path):
            self._file.truncate()

    def add(self, stamp: "Stamp", poses: Poses) -> None:
        """Keep one frame."""
        if not self.frames:
            self.size = stamp.size
        self.frames, self.last = self.frames + 1, stamp.index
        self.people |= dict.fromkeys(number_people(poses))
        name = to_text(stamp.name).encode()
        ids, flags = poses.track_ids, poses.interpolated
        head = _HEAD.pack(
            stamp.index, stamp.time, *stamp.size, len(poses), ids is not None, flags is not None, len(name)
        )  # fmt: skip
        parts: list[Any] = [head, name, poses.keypoints.astype("<f4"), poses.keypoint_scores.astype("<f4")]
        parts.append(poses.scores.astype("<f4"))
        parts += [] if ids is None else [ids.astype("<i8")]
        parts += [] if flags is None else [flags.astype("u1")]
        with writing(self.path):
            write_whole(self._file, b"".join(bytes(part) for part in parts))

    def __iter__(self) -> Iterator[tuple["Stamp", Poses]]:
        """Frames in order."""
        from nimblepose.media.frames import Stamp

        k = len(self.skeleton.keypoints)
        with self.path.open("rb", buffering=_ROWS) as file:
            for _ in range(self.frames):
                index, time, height, width, n, has_ids, has_flags, length = _HEAD.unpack(file.read(_HEAD.size))
                name = file.read(length).decode()

                def take(kind: str, *shape: int, n: int = n) -> Any:
                    kind_ = np.dtype(kind)
                    count = int(np.prod(shape)) * n
                    return np.frombuffer(file.read(count * kind_.itemsize), kind_).reshape(n, *shape)

                keypoints, point_scores, scores = take("<f4", k, 2), take("<f4", k), take("<f4")
                ids = take("<i8") if has_ids else None
                flags = take("u1", k).astype(bool) if has_flags else None
                yield Stamp(index, time, (height, width), name), Poses(
                    self.skeleton, keypoints, point_scores, scores, ids, flags
                )  # fmt: skip

    def close(self) -> None:
        """Leave it as it is."""
        self._file.close()

    def remove(self) -> None:
        """It is not needed any more."""
        self.close()
        with writing(self.path):
            self.path.unlink(missing_ok=True)


def take_chunks(things: Iterable[T], size: int) -> Iterator[list[T]]:
    """So many at a time.

    >>> list(take_chunks("abc", 2))
    [['a', 'b'], ['c']]
    """
    waiting = iter(things)
    while chunk := list(islice(waiting, size)):
        yield chunk


def number_people(poses: Poses) -> list[int]:
    """What everybody in a frame goes by: the identity, or without identities the place in the frame."""
    return list(range(len(poses))) if poses.track_ids is None else [int(i) for i in poses.track_ids]


Write = Callable[[Path, Spool, Header], None]
"""Writes a whole file, or a folder, from all frames."""


class SpooledFile:
    """What is written about a video once all of it is known; until then frames are kept in `*.partial.spool`."""

    def __init__(self, path: Path, header: Header, write: Write, *, requires: Sequence[str] = ()) -> None:
        """Begin.

        Args:
            path: Of the file to write, or of the folder.
            header: Of the run; its only skeleton is everybody's.
            write: Writes it.
            requires: Modules that it needs: what is missing is told now, not after the work.

        Raises:
            MediaError: the folder is missing or not writable.
            MissingPackageError: one that it needs is not installed.
        """
        for name in requires:
            import_optional(name, path.suffix)
        self.path, self._header, self._write = path, header, write
        unfinished = partial(path)  # its whole name, since two forms may differ in their endings alone
        self._spool = Spool(unfinished.with_name(f"{unfinished.name}.spool"), header.skeletons[0])

    def add(self, stamp: "Stamp", poses: Poses) -> None:
        """Keep one frame."""
        self._spool.add(stamp, poses)

    def finish(self) -> Path:
        """Write it all and return its path."""
        self._write(self.path, self._spool, self._header)
        self._spool.remove()
        return self.path

    def close(self) -> None:
        """Leave the frames."""
        self._spool.close()
