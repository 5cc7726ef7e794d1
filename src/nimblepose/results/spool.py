"""Frames kept on the disk until all are there: for forms that name everybody before their first row."""

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import FileIO
from itertools import islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.files import open_held, partial, write_whole, writing
from nimblepose.core.optional import import_optional
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import Skeleton
from nimblepose.results.output_format import Header, to_text

if TYPE_CHECKING:
    from nimblepose.media.frames import Stamp

_HEAD = struct.Struct("<qqq")  # frames, people, bytes of the names
_FRAMES, _PEOPLE = 1024, 8192  # after so many a block is written
T = TypeVar("T")


class Block(NamedTuple):
    """T frames that follow each other, and the N people in them, one after the other.

    Attributes:
        indices: (T,) int64, places of the frames in the source.
        times: (T,) float64 seconds.
        sizes: (T, 2) int32, height and width in pixels.
        counts: (T,) int64, how many people are in each.
        kinds: (T, 3) bool, whether people have identities, whether it is known what was interpolated, and by how much
            keypoints may be off.
        numbers: (N,) int64, what everybody goes by: the identity, or without identities the place in the frame.
        keypoints: (N, K, 2) float32 pixels, NaN = not found.
        keypoint_scores: (N, K) float32.
        scores: (N,) float32.
        interpolated: (N, K) bool.
        keypoint_errors: (N, K) float32 pixels, NaN = not known.
        names: T names of files, "" where a frame is none.
    """

    indices: NDArray[np.int64]
    times: NDArray[np.float64]
    sizes: NDArray[np.int32]
    counts: NDArray[np.int64]
    kinds: NDArray[np.bool_]
    numbers: NDArray[np.int64]
    keypoints: NDArray[np.float32]
    keypoint_scores: NDArray[np.float32]
    scores: NDArray[np.float32]
    interpolated: NDArray[np.bool_]
    keypoint_errors: NDArray[np.float32]
    names: Sequence[str]

    @property
    def rows(self) -> NDArray[np.int64]:
        """(N,) in which of the frames of the block everybody is."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    @property
    def found_scores(self) -> NDArray[np.float32]:
        """(N, K) scores, 0 where a keypoint was not found."""
        return np.where(np.isnan(self.keypoints[..., 0]), np.float32(0), self.keypoint_scores)


def _list_arrays(frames: int, people: int, k: int) -> list[tuple[str, tuple[int, ...]]]:
    """Type and shape of the arrays of a block, in the order in which they lie in the file."""
    of_frames = [("<i8", (frames,)), ("<f8", (frames,)), ("<i4", (frames, 2)), ("<i8", (frames,)), ("?", (frames, 3))]
    of_people = [("<i8", (people,)), ("<f4", (people, k, 2)), ("<f4", (people, k)), ("<f4", (people,))]
    return [*of_frames, *of_people, ("?", (people, k)), ("<f4", (people, k))]


class Spool:
    """A file of frames. Once `complete`, iterate over them or their blocks as often as wanted; some are held at a time.

    Attributes:
        frames: How many there are.
        people: Numbers of everybody in them, in order: identities, or places in the frame.
        last: The last one's index.
        size: (height, width) of the first one.
        rate: Frames per second on average, by their times; 0 where there are no two.
    """

    def __init__(self, path: Path, skeleton: Skeleton) -> None:
        """Begin; an older one is replaced.

        Raises:
            MediaError: the folder is missing or not writable.
        """
        self.path, self.skeleton = path, skeleton
        self.frames, self.people, self.last, self.size, self.rate = 0, list[int](), -1, (0, 0), 0.0
        self._first: Stamp | None = None
        self._waiting: list[tuple[Stamp, Poses]] = []
        self._waiting_people = 0
        self._file: FileIO = open_held(path)
        with writing(path):
            self._file.truncate()

    def add(self, stamp: "Stamp", poses: Poses) -> None:
        """Keep one frame.

        Raises:
            MediaError: it cannot be written.
        """
        self._waiting.append((stamp, poses))
        self._waiting_people += len(poses.scores)
        if len(self._waiting) >= _FRAMES or self._waiting_people >= _PEOPLE:
            self.complete()

    def complete(self) -> None:
        """Write what waits; all that was added can be read then.

        Raises:
            MediaError: it cannot be written.
        """
        if not self._waiting:
            return
        stamps, found = zip(*self._waiting, strict=True)
        names = [to_text(stamp.name) for stamp in stamps]
        text = "\0".join(names).encode() if any(names) else b""
        numbers = np.concatenate([number_people(poses) for poses in found])
        flagged = [poses.interpolated is not None for poses in found]
        measured = [poses.keypoint_errors is not None for poses in found]
        arrays = (
            [stamp.index for stamp in stamps],
            [stamp.time for stamp in stamps],
            [stamp.size for stamp in stamps],
            [len(poses.scores) for poses in found],
            [(poses.track_ids is not None, *flags) for poses, *flags in zip(found, flagged, measured, strict=True)],
            numbers,
            np.concatenate([poses.keypoints for poses in found]),
            keypoint_scores := np.concatenate([poses.keypoint_scores for poses in found]),
            np.concatenate([poses.scores for poses in found]),
            np.concatenate([p.interpolation_flags for p in found]) if any(flagged) else np.zeros_like(keypoint_scores),
            np.concatenate([_take_errors(poses) for poses in found]),
        )
        kinds = _list_arrays(len(found), len(numbers), len(self.skeleton.keypoints))
        with writing(self.path):
            write_whole(self._file, _HEAD.pack(len(found), len(numbers), len(text)))
            for array, (kind, _) in zip(arrays, kinds, strict=True):
                write_whole(self._file, np.ascontiguousarray(array, kind).reshape(-1).view("u1").data)
            write_whole(self._file, text)
        self.people = sorted({*self.people, *numbers.tolist()})
        self._first, last = self._first or stamps[0], stamps[-1]
        self.frames, self.last, self.size = self.frames + len(found), last.index, self._first.size
        if last.time > self._first.time:
            self.rate = (last.index - self._first.index) / (last.time - self._first.time)
        self._waiting, self._waiting_people = [], 0

    def iterate_blocks(self) -> Iterator[Block]:
        """All frames in order, many at a time."""
        k = len(self.skeleton.keypoints)
        with self.path.open("rb") as file:
            while head := file.read(_HEAD.size):
                frames, people, length = _HEAD.unpack(head)
                arrays = [_read_array(file, kind, shape) for kind, shape in _list_arrays(frames, people, k)]
                names = file.read(length).decode().split("\0") if length else [""] * frames
                yield Block._make([*arrays, names])

    def __iter__(self) -> Iterator[tuple["Stamp", Poses]]:
        """Frames in order."""
        from nimblepose.media.frames import Stamp

        for block in self.iterate_blocks():
            about = zip(block.indices.tolist(), block.times.tolist(), block.sizes.tolist(), block.names, strict=True)
            ends = [0, *np.cumsum(block.counts).tolist()]
            for (index, time, size, name), (a, b), (has_ids, has_flags, has_errors) in zip(
                about, pairwise(ends), block.kinds.tolist(), strict=True
            ):
                yield (
                    Stamp(index, time, tuple(size), name),
                    Poses(
                        self.skeleton,
                        block.keypoints[a:b],
                        block.keypoint_scores[a:b],
                        block.scores[a:b],
                        block.numbers[a:b] if has_ids else None,
                        block.interpolated[a:b] if has_flags else None,
                        keypoint_errors=block.keypoint_errors[a:b] if has_errors else None,
                    ),
                )

    def remove(self) -> None:
        """It is not needed any more."""
        self._waiting.clear()
        self._file.close()
        with writing(self.path):
            self.path.unlink(missing_ok=True)


def iterate_frames(spool: Spool, people: Sequence[int], most: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Every frame of the source from its first on, also those that are not in the spool, at most so many at a time.

    Yields the place of the first frame, and as `lay_out` (frames, P, K, 3) of people whose numbers are given in order.
    """
    begin = 0
    for block in spool.iterate_blocks():
        indices, until = block.indices[block.rows], int(block.indices[-1]) + 1
        for first in range(begin, until, most):
            yield first, lay_out(block, people, indices - first, min(most, until - first))
        begin = until


def lay_out(block: Block, people: Sequence[int], rows: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    """(count, P, K, 3) x, y and score of P people; NaN, NaN, 0 where nothing was found.

    Args:
        block: Who was found.
        people: Their numbers, in order.
        rows: (N,) the row of everybody in the block; who has a row that there is not, or another number, is left out.
        count: Of rows.
    """
    known = np.asarray(people, np.int64)
    columns = np.minimum(np.searchsorted(known, block.numbers), len(known) - 1)
    here = (known[columns] == block.numbers) & (rows >= 0) & (rows < count)
    cells = np.empty((count, len(known), block.keypoints.shape[1], 3), np.float32)
    cells[...] = (np.nan, np.nan, 0)
    at, who = rows[here], columns[here]
    cells[at, who, :, :2] = block.keypoints[here]
    cells[at, who, :, 2] = block.found_scores[here]
    return cells


def _take_errors(poses: Poses) -> NDArray[np.float32]:
    errors = poses.keypoint_errors
    return np.full_like(poses.keypoint_scores, np.nan) if errors is None else errors


def _read_array(file: BinaryIO, kind: str, shape: tuple[int, ...]) -> Any:
    array = np.empty(shape, kind)
    file.readinto(array.reshape(-1).view("u1"))  # type: ignore[attr-defined]
    return array


def take_chunks(things: Iterable[T], size: int) -> Iterator[list[T]]:
    """So many at a time.

    >>> list(take_chunks("abc", 2))
    [['a', 'b'], ['c']]
    """
    waiting = iter(things)
    while chunk := list(islice(waiting, size)):
        yield chunk


def number_people(poses: Poses) -> NDArray[np.int64]:
    """(N,) what everybody in a frame goes by: the identity, or without identities the place in the frame."""
    return np.arange(len(poses.scores)) if poses.track_ids is None else poses.track_ids


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
        self._spool.complete()
        self._write(self.path, self._spool, self._header)
        self._spool.remove()
        return self.path

    def close(self) -> None:
        """Remove the frames: nobody reads them but this."""
        self._spool.remove()
