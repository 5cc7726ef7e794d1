"""Where the bytes of a picture come from: a file by its path, or one that somebody has opened."""

import glob
import os
import re
from pathlib import Path
from typing import Any

from nimblepose.core.errors import MediaError
from nimblepose.core.text import describe_error
from nimblepose.core.web import is_url, without_secrets
from nimblepose.media.pipes import is_pipe, read_pipe

_MAX_FILE_BYTES = 1 << 30  # a picture within the pixel limit is smaller even uncompressed


def read_bytes(path: Path) -> bytes:
    """All of a file; `~` at its beginning is the user's folder, if there is no file of that name.

    Raises:
        MediaError: no such file, no picture's file but a folder, pattern or address, or it cannot be read.
    """
    path = _find(path)
    try:
        if path.is_dir():
            raise MediaError(
                f"{path} is a folder, not a picture; give the files in it: estimator.stream(Path(folder).glob('*.jpg'))"
            )
        if is_pipe(path):
            data = read_pipe(path, _MAX_FILE_BYTES + 1)
        else:
            with path.open("rb") as file:
                data = file.read(_MAX_FILE_BYTES + 1)
    except MediaError:
        raise
    except FileNotFoundError as error:
        raise MediaError(_explain_absence(str(path))) from error
    except (OSError, ValueError) as error:
        raise MediaError(f"cannot read {path}: {describe_error(error)}") from error
    _check_size(data, str(path))
    return data


def read_file(file: Any) -> bytes:
    """All that is left of an open file.

    Args:
        file: What has a `read` that gives bytes: `io.BytesIO`, `open(path, "rb")`, an upload, an answer of a server.

    Raises:
        MediaError: it gives text, or nothing.
    """
    name = name_file(file)
    try:
        data = file.read(_MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        raise MediaError(f"cannot read {name}: {error}") from error
    if not isinstance(data, bytes | bytearray):
        raise MediaError(f"{name} gives {type(data).__name__}, not bytes; open it with mode 'rb'")
    if not data:
        raise MediaError(f"{name} is empty, or was read to its end; seek(0) brings it back to its beginning")
    _check_size(data, name)
    return bytes(data)


def name_file(file: Any) -> str:
    """What to call an open file in a message."""
    name = getattr(file, "name", None)
    return os.fsdecode(name) if isinstance(name, str | bytes | os.PathLike) else f"the {type(file).__name__}"


def _find(path: Path) -> Path:
    if not str(path).startswith("~") or path.exists():
        return path
    try:
        return path.expanduser()
    except RuntimeError as error:  # ~nobody/a.jpg
        raise MediaError(f"{path}: no such file, and nobody of that name has a folder here") from error


def _explain_absence(name: str) -> str:
    """Is it the name of something else?"""
    address = re.sub(r"^(https?):/+", r"\1://", name, flags=re.IGNORECASE)  # a Path has lost one of its two slashes
    if is_url(address):
        return (
            f"{without_secrets(address)} is an address, not a file: give what urllib.request.urlopen(address) answers, "
            f"or of a video or stream the address to estimator.track"
        )
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", name):
        return f"{without_secrets(name)} is an address, not a file; streams are for estimator.track"
    if glob.has_magic(name):
        return f"{name}: no such file; of a pattern give the files: estimator.stream(sorted(glob.glob(pattern)))"
    return f"{name}: no such file"


def _check_size(data: bytes | bytearray, name: str) -> None:
    if len(data) > _MAX_FILE_BYTES:
        raise MediaError(f"{name}: larger than {_MAX_FILE_BYTES >> 20} MiB; this is not a picture we can hold")
