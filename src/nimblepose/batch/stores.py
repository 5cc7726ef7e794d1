"""Where a batch keeps its files: a folder of this machine, or an address that fsspec knows (s3, gs, ...)."""

import contextlib
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from nimblepose.core.errors import MediaError, PoseError
from nimblepose.core.files import InUseError, make_folder, open_held, write_atomically
from nimblepose.core.optional import import_optional
from nimblepose.core.web import check_online, without_secrets

_LOCAL = ("file", "local")
_CLAIMS = "claims"  # the folder of files that are held by whoever does a unit

T = TypeVar("T")


class Store(Protocol):
    """Files by their names, such as `parts/a.parquet`; each is there whole, or not at all."""

    address: str  # fit to be given to `open_store` by another process

    def write(self, name: str, data: bytes) -> None:
        """In one piece, in place of what has the name; raises `MediaError` if it cannot be, and nothing is changed."""

    def put(self, name: str, path: Path) -> None:
        """As `write`, from a file of this machine."""

    def read(self, name: str) -> bytes:
        """All of it; raises `MediaError` if it is not there, or cannot be read."""

    def has(self, name: str) -> bool:
        """Is it there?"""

    def list(self, folder: str) -> dict[str, float]:
        """Names of the files of a folder, without it, and when each was written, in seconds since 1970."""

    def remove(self, name: str) -> None:
        """If it is there."""

    def claim(self, name: str) -> contextlib.AbstractContextManager[bool]:
        """Keeps others from doing the same while the block runs; False: another has it. True where nobody can tell."""


def open_store(address: str) -> Store:
    """The store at a path or address.

    Raises:
        MediaError: no such protocol, or switched off by NIMBLEPOSE_OFFLINE.
        MissingPackageError: fsspec, or what it needs for the protocol, is not installed.
    """
    scheme, mark, rest = address.partition("://")
    if not mark or scheme in _LOCAL:
        return Folder(Path(rest if mark else address).expanduser())
    return RemoteStore(address)


class Folder:
    """A folder of this machine, or one that several machines share."""

    def __init__(self, folder: Path) -> None:
        """It is made when the first file is written."""
        self.folder = folder.absolute()
        self.address = str(self.folder)

    def write(self, name: str, data: bytes) -> None:
        """Under a temporary name, then renamed."""
        path = self.folder / name
        make_folder(path.parent)
        write_atomically(path, data)

    def put(self, name: str, path: Path) -> None:
        """From a file of this machine."""
        self.write(name, path.read_bytes())

    def read(self, name: str) -> bytes:
        """All of it."""
        try:
            return (self.folder / name).read_bytes()
        except OSError as error:
            raise MediaError(f"cannot read {self.folder / name}: {error.strerror or error}") from error

    def has(self, name: str) -> bool:
        """Is it there?"""
        return (self.folder / name).is_file()

    def list(self, folder: str) -> dict[str, float]:
        """Of hidden files, which are not whole yet, nothing is said."""
        found = {}
        with contextlib.suppress(FileNotFoundError):
            for path in (self.folder / folder).iterdir():
                with contextlib.suppress(FileNotFoundError):  # it was, a moment ago
                    if not path.name.startswith("."):
                        found[path.name] = path.stat().st_mtime
        return found

    def remove(self, name: str) -> None:
        """If it is there."""
        (self.folder / name).unlink(missing_ok=True)

    @contextlib.contextmanager
    def claim(self, name: str) -> Iterator[bool]:
        """By a lock of the system, which whoever is killed gives back."""
        path = self.folder / _CLAIMS / name
        make_folder(path.parent)
        try:
            file = open_held(path)
        except InUseError:
            yield False
            return
        try:
            yield True
        finally:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
            file.close()


class RemoteStore:
    """An address that fsspec knows. Each file is put there in one request, so that a cut-off one is never seen."""

    def __init__(self, address: str) -> None:
        """Nothing is asked yet."""
        self.address = address
        self._files, self._root = open_remote(address)

    def write(self, name: str, data: bytes) -> None:
        """In one piece, from memory."""
        self._try("write", name, lambda path: self._files.pipe_file(path, data))

    def put(self, name: str, path: Path) -> None:
        """From a file of this machine."""
        self._try("write", name, lambda remote: self._files.put_file(str(path), remote))

    def read(self, name: str) -> bytes:
        """All of it."""
        return bytes(self._try("read", name, self._files.cat_file))

    def has(self, name: str) -> bool:
        """Is it there?"""
        self._files.invalidate_cache()
        return bool(self._try("look for", name, self._files.exists))

    def list(self, folder: str) -> dict[str, float]:
        """As it is now, whatever was listed before."""
        self._files.invalidate_cache()

        def look(path: str) -> dict[str, Any]:
            try:
                found: dict[str, Any] = self._files.find(path.rstrip("/"), maxdepth=1, detail=True)
            except FileNotFoundError:
                return {}
            return found

        listed = self._try("list", folder, look)
        return {path.rpartition("/")[2]: _when(about) for path, about in listed.items()}

    def remove(self, name: str) -> None:
        """If it is there."""
        with contextlib.suppress(FileNotFoundError):
            self._try("remove", name, self._files.rm_file)

    @contextlib.contextmanager
    def claim(self, name: str) -> Iterator[bool]:
        """Nobody can tell: what is done twice is the same, and replaces itself."""
        yield True

    def _try(self, doing: str, name: str, work: Callable[[str], T]) -> T:
        try:
            return work(f"{self._root}/{name}")
        except (PoseError, FileNotFoundError) as error:
            if isinstance(error, PoseError) or doing == "remove":
                raise
            raise MediaError(f"cannot {doing} {without_secrets(self.address)}/{name}: it is not there") from error
        except Exception as error:  # each protocol raises what its library does
            raise MediaError(f"cannot {doing} {without_secrets(self.address)}/{name}: {error}") from error


def open_remote(address: str) -> tuple[Any, str]:
    """The file system of an address, and the path in it.

    Raises:
        MediaError: no such protocol, or switched off by NIMBLEPOSE_OFFLINE.
        MissingPackageError: fsspec, or what it needs for the protocol, is not installed.
    """
    name = without_secrets(address)
    scheme = address.partition("://")[0].lower()
    if scheme != "memory":
        check_online(name)
    fsspec = import_optional("fsspec", name)
    try:
        files, path = fsspec.core.url_to_fs(address)
    except ImportError as error:  # it says what to install
        raise MediaError(f"{name}: {error}") from error
    except ValueError as error:
        raise MediaError(f"{name}: {error}; give a path, or an address of a protocol that fsspec knows") from error
    return files, str(path).rstrip("/")


def write_with_patience(store: Store, name: str, data: bytes, *, tries: int = 4, pause: float = 1.0) -> None:
    """Write, and try again for some seconds: networks come back, and disks are cleared.

    Raises:
        MediaError: It still cannot be written.
    """
    for left in reversed(range(tries)):
        try:
            store.write(name, data)
            return
        except MediaError:
            if not left:
                raise
            time.sleep(pause)
            pause *= 2


def _when(about: dict[str, Any]) -> float:
    value = next((about[key] for key in ("LastModified", "mtime", "updated", "created") if about.get(key)), 0.0)
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return value.timestamp() if isinstance(value, datetime) else float(value)
