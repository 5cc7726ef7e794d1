"""HEIC, the pictures of iPhones, by libheif, which not everybody has."""

import io
from importlib.util import find_spec
from typing import Any

from PIL import Image

from nimblepose.core.optional import import_optional

_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")  # ISO/IEC 23008-12, 10.


def is_heic(data: bytes) -> bool:
    """Do these bytes begin a HEIF file that is not AVIF, which Pillow reads itself?"""
    length = int.from_bytes(data[:4], "big")
    return data[4:8] == b"ftyp" and data[8:12] in _BRANDS and b"avif" not in data[8 : min(length, 256)]


def open_heic(data: bytes) -> "HeicFile":
    """Read the header.

    Raises:
        MissingPackageError: neither pi-heif nor pillow-heif is installed.
        ValueError: damaged.
    """
    name = "pillow_heif" if find_spec("pillow_heif") else "pi_heif"  # of one author, alike but for what writes
    return HeicFile(import_optional(name, "reading HEIC pictures").open_heif(io.BytesIO(data)))


class HeicFile:
    """The first picture of a file, upright: libheif turns what the file says is turned."""

    def __init__(self, opened: Any) -> None:
        self._opened = opened
        self.size: tuple[int, int] = tuple(opened.size)  # (width, height) in pixels

    def decode(self) -> Image.Image:
        """Its pixels, of 8 bits."""
        image: Image.Image = self._opened.to_pillow()
        return image
