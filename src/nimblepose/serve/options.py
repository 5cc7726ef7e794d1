"""What a server may be told, and what it refuses to be told."""

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nimblepose.core.errors import OptionError
from nimblepose.runtime.quality import QualityName

KEY_VARIABLE = "NIMBLEPOSE_API_KEY"
_KEY = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{16,256}")  # what a header and a WebSocket's subprotocol can carry
_ORIGIN = re.compile(r"https?://[^/\s,*]+|\*")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(|k|m|g)(?:i?b)?", re.IGNORECASE)
_FACTOR = {"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000}


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """How a server is run.

    Raises:
        OptionError: a value that cannot be, or a server that would be open to everybody without anybody saying so.
    """

    model: str | None = None  # name or file
    quality: QualityName | None = None  # of requests that ask for none; None: balanced, and of streams one pass
    host: str = "127.0.0.1"
    port: int = 8080  # 0: any that is free
    threads: int = 0  # pictures at a time, each in a thread of its own; 0: all usable cores
    queue: int = 32  # pictures that may wait
    max_bytes: int = 10_000_000  # of a request's body, and of a frame
    max_pixels: int = 25_000_000  # of a picture
    timeout: float = 10.0  # seconds from a whole request to its answer
    body_timeout: float = 10.0  # seconds from a request's headers to its last byte
    streams: int = 8  # at a time
    cors: tuple[str, ...] = ()  # origins whose pages may ask
    keys: tuple[str, ...] = ()  # one of which a request must know; none: everybody may ask
    open: bool = False  # to other machines without a key
    processes: int = 1
    log: Literal["text", "json"] = "text"
    page: Path | None = None  # folder of the page that is shown at /, see `nimblepose.web.site`

    def __post_init__(self) -> None:
        """Say now what would fail later, or not fail and be a surprise."""
        for name, least in (("queue", 0), ("max_bytes", 1000), ("max_pixels", 1), ("streams", 0), ("processes", 1)):
            if getattr(self, name) < least:
                raise OptionError(f"{_option(name)} must be {least} or more, got {getattr(self, name)}")
        for name in ("timeout", "body_timeout"):
            if not 0 < getattr(self, name) < float("inf"):
                raise OptionError(f"{_option(name)} takes seconds above 0, got {getattr(self, name)}")
        for origin in self.cors:
            if not _ORIGIN.fullmatch(origin):
                raise OptionError(f"--cors takes an origin such as https://example.org, or *; got {origin!r}")
        if not self.keys and not self.open and not is_loopback(self.host):
            raise OptionError(
                f"--host {self.host} lets other machines ask, and there is no key: give --api-key-file or "
                f"{KEY_VARIABLE}, or say --open if everybody may"
            )


def is_loopback(host: str) -> bool:
    """Can only this machine reach it?

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("::1"), is_loopback("0.0.0.0")
    (True, True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_keys(file: Path | None, environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Keys of a file, one a line, # begins a comment; else that of the variable NIMBLEPOSE_API_KEY; else none.

    Raises:
        OptionError: the file cannot be read or holds none, or one is too short, or of letters that no header carries.
    """
    if file is None:
        lines, source = [environment.get(KEY_VARIABLE, "")], KEY_VARIABLE
    else:
        source = str(file)
        try:
            lines = file.read_text("utf-8").splitlines()
        except (OSError, ValueError) as error:
            raise OptionError(f"--api-key-file {file} cannot be read: {error}") from error
    keys = tuple(key for line in lines if (key := line.strip()) and not key.startswith("#"))
    if file is not None and not keys:
        raise OptionError(f"--api-key-file {file} holds no key; write one a line")
    for key in keys:
        if not _KEY.fullmatch(key):
            raise OptionError(
                f"{source}: a key has 16 to 256 letters, digits and signs such as - and _; make one with "
                f'`python -c "import secrets; print(secrets.token_urlsafe(32))"`'
            )
    return keys


def parse_bytes(text: str) -> int:
    """A number of bytes as people write it.

    >>> parse_bytes("10MB"), parse_bytes("500 kB"), parse_bytes("1000")
    (10000000, 500000, 1000)

    Raises:
        OptionError: something else.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise OptionError(f"a size is a number of bytes, such as 10MB or 500kB; got {text!r}")
    return round(float(match[1]) * _FACTOR[match[2].lower()])


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
