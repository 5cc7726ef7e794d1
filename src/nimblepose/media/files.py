"""Whole files only: an output exists complete under its name, or not at all."""

import os
import secrets
from pathlib import Path

from nimblepose.core.errors import MediaError


def write_atomically(path: Path, data: bytes) -> None:
    """Write beside `path` under a temporary name, then rename; an interrupted or failed write leaves nothing behind.

    Raises:
        MediaError: the folder is missing or not writable, or the disk is full.
    """
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise MediaError(
            f"cannot write {path}: {error.strerror or error}; is the folder there, writable, not full?"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
