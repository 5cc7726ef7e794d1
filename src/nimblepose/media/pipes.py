"""Named pipes and devices as files: who waits for them waits for a while only."""

import os
import select
import stat
from pathlib import Path
from typing import BinaryIO

from nimblepose.core.errors import MediaError

PATIENCE = 10.0  # seconds without a byte


def is_pipe(path: Path) -> bool:
    """Is this something that is read once, and may let its reader wait: a named pipe, a terminal, another device?"""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISSOCK(mode)


def open_pipe(path: Path, *, patience: float | None = None) -> BinaryIO:
    """Open it when its first bytes are there.

    Args:
        path: Of a pipe or device.
        patience: Seconds to wait for them; `PATIENCE` if None.

    Raises:
        MediaError: nobody writes into it.
        OSError: it cannot be opened.
    """
    file = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    try:
        wait_for_bytes(file, path, patience=patience)
        os.set_blocking(file, True)
    except BaseException:
        os.close(file)
        raise
    return os.fdopen(file, "rb", buffering=0)


def read_pipe(path: Path, limit: int, *, patience: float | None = None) -> bytes:
    """All that is written into it, but no more than `limit` bytes.

    Raises:
        MediaError: nothing comes for so many seconds.
        OSError: it cannot be read.
    """
    data = bytearray()
    with open_pipe(path, patience=patience) as file:
        while len(data) < limit:
            wait_for_bytes(file.fileno(), path, patience=patience)
            piece = file.read(min(1 << 16, limit - len(data)))
            if not piece:
                break
            data += piece
    return bytes(data)


def wait_for_bytes(file: int, path: Path, *, patience: float | None) -> None:
    """Until there is something to read, or the end.

    Raises:
        MediaError: nothing comes.
    """
    seconds = PATIENCE if patience is None else patience
    if not select.select([file], [], [], seconds)[0]:
        raise MediaError(
            f"{path} is a pipe or device, and nothing came out of it for {seconds:g} s; does anybody write into it?"
        )
