"""Whole files only: an output exists complete under its name, or not at all."""

import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

from nimblepose.core.errors import MediaError
from nimblepose.core.text import describe_error


def write_atomically(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write beside `path` under a temporary name, then rename; an interrupted or failed write leaves nothing behind.

    Args:
        path: Where.
        data: What.
        durable: Wait until it is on the disk, so that a power cut cannot leave an empty file under the name.

    Raises:
        MediaError: the folder is missing or not writable, or the disk is full.
    """
    with replacing(path, durable=durable) as temporary:
        temporary.write_bytes(data)


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """A temporary path beside `path` to write to: it gets the name when the block ends well, and is gone otherwise.

    Args:
        path: Where.
        durable: Of a file: wait until it is on the disk, so that a power cut cannot leave an empty one under the name.

    Raises:
        MediaError: the folder is missing or not writable, or the disk is full.
    """
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with writing(path):
            yield temporary
            if durable:
                with temporary.open("rb") as file:
                    os.fsync(file.fileno())
            temporary.replace(path)
    finally:
        with suppress(OSError):  # where nothing can be written, nothing can be removed: the first error is to be said
            shutil.rmtree(temporary) if temporary.is_dir() else temporary.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Make a folder for results, and those above it, unless they are there.

    Raises:
        MediaError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MediaError(f"cannot make the folder {folder}: {error.strerror}; choose another") from error


def check_writable(folder: Path) -> None:
    """Say before long work that a folder, which may still have to be made, is none that can be written into.

    Raises:
        MediaError: it is not.
    """
    with writing(folder):  # whether it is there may be hidden, too
        above = (folder.absolute(), *folder.absolute().parents)
        there = next((one for one in above if one.exists()), above[-1])  # a drive of Windows may be missing
    if not (there.is_dir() and os.access(there, os.W_OK)):
        raise MediaError(f"cannot write into {folder}: {there} is no folder that may be written to; choose another")


def check_folders(*files: Path) -> None:
    """Say now, and not after hours of work, that a file has no folder to be written into, or is one itself.

    Raises:
        MediaError: one has none, or is one.
    """
    for folder in dict.fromkeys(file.absolute().parent for file in files):
        if not folder.is_dir():
            raise MediaError(f"no folder {folder} to write into; make it first")
    for file in files:
        if file.is_dir():
            raise MediaError(f"{file} is a folder; name a file in it")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what goes wrong while `path` is written into `MediaError`."""
    try:
        yield
    except MediaError:
        raise
    except OSError as error:
        raise MediaError(
            f"cannot write {path}: {describe_error(error)}; is the folder there, writable, not full?"
        ) from error


def partial(path: Path) -> Path:
    """The name under which a file grows, and under which it is found if the program is killed.

    >>> partial(Path("match.poses.csv")).name
    'match.poses.partial.csv'
    """
    return path.with_name(f"{path.stem}.partial{path.suffix}")


def write_whole(file: FileIO, data: bytes | memoryview) -> None:
    """Write all of it: one write of an unbuffered file may take a part only, as on a disk that is just being filled."""
    written = file.write(data)
    while written < len(data):  # where the disk is full, the next write says so
        written += file.write(data[written:])


class InUseError(MediaError):
    """A file that another run is writing."""


def open_held(path: Path) -> FileIO:
    """Open a file for reading and writing, unbuffered, as it is or new, and keep others out until it is closed.

    Others are those who open it by this function, in this process or another; whoever is killed holds it no longer.

    Raises:
        InUseError: it is held already.
        MediaError: the folder is missing or not writable.
    """
    while True:
        with writing(path):
            file = FileIO(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666), "r+")
        if not _try_lock(file):
            file.close()
            raise InUseError(f"{path}: another run is writing it; wait for that, or choose another folder with --out")
        with writing(path):
            if path.exists() and os.path.samestat(path.stat(), os.fstat(file.fileno())):
                return file
        file.close()  # who held it before has just removed or renamed it


def _try_lock(file: FileIO) -> bool:
    """False if somebody else has it."""
    if sys.platform == "win32":
        import msvcrt

        file.seek(1 << 40)  # a place that nobody reads
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            file.seek(0)
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


class GrowingFile:
    """A file that grows piece by piece, readable up to its last piece; it gets its name when it is complete."""

    def __init__(self, path: Path) -> None:
        """Begin; an older partial file is replaced.

        Raises:
            MediaError: the folder is missing or not writable.
            InUseError: another run writes this file.
        """
        self.path = path
        with writing(path):
            self._file = open_held(partial(path))  # what is written is there, even if we are killed
            self._file.truncate()

    def append(self, data: bytes, *, over: int = 0) -> None:
        """Add a piece, in one write; it replaces the last `over` bytes.

        Raises:
            MediaError: the disk is full, or gone.
        """
        with writing(self.path):
            if over:
                self._file.seek(-over, os.SEEK_END)
            write_whole(self._file, data)

    def finish(self) -> Path:
        """Complete: the file gets its name."""
        with writing(self.path):
            os.fsync(self._file.fileno())
            self._file.close()
            partial(self.path).replace(self.path)
        return self.path

    def close(self) -> None:
        """Leave it as it is, under its partial name."""
        self._file.close()
