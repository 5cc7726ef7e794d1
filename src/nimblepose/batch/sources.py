"""Files of a batch, opened where they are done: on this machine, or at an address that fsspec knows."""

from pathlib import Path
from typing import Any, BinaryIO

from nimblepose.batch.stores import open_remote
from nimblepose.batch.units import Source
from nimblepose.core.errors import MediaError
from nimblepose.core.web import without_secrets

_VERSIONS = ("ETag", "etag", "LastModified", "mtime", "updated", "created")  # what tells that a file has changed
_LARGEST = 1 << 28  # bytes of a picture
_AHEAD = 1 << 20  # bytes that are fetched at a time


def is_remote(path: str) -> bool:
    """Is it an address, and no path of this machine?"""
    return "://" in path


def describe(name: str, path: str) -> Source:
    """A file as it is now.

    Raises:
        MediaError: it is not there, or not to be reached.
    """
    if is_remote(path):
        files, inner = open_remote(path)
        try:
            return describe_remote(name, path, files.info(inner))
        except (OSError, ValueError) as error:
            raise MediaError(f"{name}: not to be reached: {error}") from error
    try:
        about = Path(path).stat()
    except FileNotFoundError as error:
        raise MediaError(f"{name}: no such file") from error
    except OSError as error:
        raise MediaError(f"cannot read {name}: {error.strerror or error}") from error
    return Source(name, path, about.st_size, str(about.st_mtime_ns))


def describe_remote(name: str, path: str, about: dict[str, Any]) -> Source:
    """The same of what a file system has listed."""
    version = next((about[key] for key in _VERSIONS if about.get(key)), None)
    return Source(name, path, about.get("size"), None if version is None else str(version))


def check_unchanged(source: Source) -> None:
    """Refuse a file that is not the one that was planned.

    Raises:
        MediaError: it has changed, or is gone.
    """
    if describe(source.name, source.path) != source:
        raise MediaError(f"{source.name} has changed since it was planned; plan again")


def open_video(source: Source) -> Path | BinaryIO:
    """What a `VideoPiece` reads.

    Raises:
        MediaError: the address is not to be reached.
    """
    if not is_remote(source.path):
        return Path(source.path)
    files, inner = open_remote(source.path)
    try:
        file: BinaryIO = files.open(inner, "rb", block_size=_AHEAD)
    except (OSError, ValueError) as error:
        raise MediaError(f"{without_secrets(source.name)}: not to be reached: {error}") from error
    if not file.seekable():
        raise MediaError(f"{without_secrets(source.name)}: the server does not send parts of it; bring the file here")
    return file


def read_picture_file(source: Source) -> Path | bytes:
    """What `read_reduced` reads.

    Raises:
        MediaError: the address is not to be reached, or holds more than a picture may.
    """
    if not is_remote(source.path):
        return Path(source.path)
    if source.size and source.size > _LARGEST:
        raise MediaError(f"{source.name}: {source.size} bytes are more than a picture may have")
    files, inner = open_remote(source.path)
    try:
        return bytes(files.cat_file(inner))
    except (OSError, ValueError) as error:
        raise MediaError(f"{source.name}: not to be reached: {error}") from error
