"""How large a picture is, without decoding it."""

import io
from pathlib import Path
from typing import BinaryIO

from nimblepose.core.geometry import Size
from nimblepose.media.pictures import open_picture, read_reduced, unify_picture_errors
from nimblepose.media.suffixes import HEIC_SUFFIXES

_ORIENTATION = 0x0112  # of EXIF
_TURNED = (5, 6, 7, 8)  # values of it that exchange the sides


def measure_picture(path: Path) -> Size:
    """(height, width) of the upright picture.

    Raises:
        MediaError: it cannot be read.
    """
    if path.suffix.lower() in HEIC_SUFFIXES:
        return read_reduced(path).size
    with unify_picture_errors(str(path)), path.open("rb") as file:
        return _measure(file, str(path))


def measure_content(data: bytes, name: str) -> Size:
    """(height, width) of the upright picture whose file's bytes these are.

    Raises:
        MediaError: they are no picture.
    """
    return _measure(io.BytesIO(data), name)


def _measure(file: BinaryIO, name: str) -> Size:
    with unify_picture_errors(name), open_picture(file) as image:
        width, height = image.size
        turned = image.getexif().get(_ORIENTATION) in _TURNED
        return (width, height) if turned else (height, width)
