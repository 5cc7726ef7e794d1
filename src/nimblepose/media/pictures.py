"""Any picture in, one kind of array out: (H, W, 3) uint8 RGB, upright."""

import io
import logging
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from nimblepose.core.errors import MediaError, MissingPackageError, TooManyPixelsError
from nimblepose.core.reduction import Reduced
from nimblepose.media.heic import is_heic, open_heic
from nimblepose.media.levels import Levels, to_8_bits
from nimblepose.media.picture_bytes import name_file, read_bytes, read_file
from nimblepose.media.suffixes import VIDEO_SUFFIXES

_log = logging.getLogger(__name__)

Picture = NDArray[np.uint8]
"""(H, W, 3) RGB."""

Source = str | os.PathLike[str] | bytes | bytearray | BinaryIO | Image.Image | NDArray[Any]
"""What a picture is read from: a path, a file's bytes, an open file, a PIL image, an array."""

BACKGROUND = 255  # transparent pixels show white, as on a page
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF")  # none runs other programs
_ORIENTATION = 0x0112  # the EXIF tag
_JPEG = ("JPEG", "MPO")  # MPO: with more behind it, such as another view, or what makes it brighter
_BITS = 258  # the TIFF tag: bits per sample
_ALPHA_MODES = ("RGBA", "LA", "PA", "RGBa")
_MOVING = (".gif", ".webp", ".png", ".apng", ".tif", ".tiff", ".avif")  # files of which some have several frames
_HEAD = 256  # bytes that tell the kind of a picture

MAX_PIXELS = 100_000_000  # of a picture or frame, unless somebody trusts its source
_REDUCED = {2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8}


def read_picture(
    source: Source,
    *,
    max_pixels: int = MAX_PIXELS,
    levels: Levels = "auto",
    expect: Callable[[int], None] | None = None,
) -> Picture:
    """Read a picture as (H, W, 3) uint8 RGB.

    Files are turned upright by their EXIF orientation; of an animation the first frame is taken; gray, palette, CMYK
    and deeper pictures are converted (of 16 bits the upper eight are kept where they are filled, else the values that
    are there are stretched to black and white, see `levels`); transparency shows white; colour profiles are
    ignored. Images and arrays that you hold yourself keep their orientation, so that poses fit the pixels you have.
    An RGB array is returned as it is, not copied.

    Args:
        source: A path, a file's bytes, an open file (read to its end), a PIL image, or an array: (H, W), (H, W, 1),
            (H, W, 3) RGB or (H, W, 4) RGBA, of uint8 or uint16.
        max_pixels: Files that declare more are refused before they are decoded.
        levels: Which values of more than 8 bits become black and white.
        expect: Called with the number of pixels that a file declares, before they are decoded: it may wait for memory.

    Raises:
        MediaError: no such file, not a picture, damaged, too large, or an array of another shape or type.
    """
    return _read(source, max_pixels, levels, expect, reduce=False).picture


def read_reduced(
    source: Source,
    *,
    max_pixels: int = MAX_PIXELS,
    levels: Levels = "auto",
    expect: Callable[[int], None] | None = None,
) -> Reduced:
    """Read a picture as `read_picture` does, but a JPEG with more than `max_pixels` at a half, quarter or eighth.

    Its decoder averages blocks of pixels on the way, in a part of the memory and time: so pictures of phones with 108
    and 200 million pixels can be looked at. It is logged. Other kinds of files cannot be read so, and are refused.

    Args:
        source: As in `read_picture`.
        max_pixels: Of what is returned.
        levels: As in `read_picture`.
        expect: Called with the number of pixels that will be decoded.

    Raises:
        MediaError: as `read_picture`.
    """
    return _read(source, max_pixels, levels, expect, reduce=True)


def _read(
    source: Source,
    max_pixels: int,
    levels: Levels,
    expect: Callable[[int], None] | None,
    *,
    reduce: bool,
) -> Reduced:
    if isinstance(source, np.ndarray):
        return _keep(_convert_array(source, levels))
    if isinstance(source, Image.Image):
        with unify_picture_errors("the PIL image"):
            return _keep(_convert_pil(source, "the PIL image", levels))
    if isinstance(source, bytes | bytearray | memoryview):
        data, name = bytes(source), "the picture"
    elif isinstance(source, str | os.PathLike):
        data, name = read_bytes(Path(source)), str(source)
    elif hasattr(source, "read"):
        data, name = read_file(source), name_file(source)
    else:
        raise MediaError(
            f"expected a path, bytes, an open file, a PIL image or an array as picture, got {type(source).__name__}; "
            f"many pictures come in a list to estimator(...), or by any iterable to estimator.stream(...)"
        )
    return _decode(data, name, max_pixels, levels, expect, reduce=reduce)


def _keep(picture: Picture) -> Reduced:
    return Reduced(picture, (picture.shape[0], picture.shape[1]))


def _decode(
    data: bytes, name: str, max_pixels: int, levels: Levels, expect: Callable[[int], None] | None, *, reduce: bool
) -> Reduced:
    if not data:
        raise MediaError(f"{name} is empty (0 bytes); fetch or copy it again")
    with unify_picture_errors(name):
        if is_heic(data):
            heic = open_heic(data)
            _check_pixels(heic.size, name, max_pixels, expect)
            return _keep(_convert_pil(heic.decode(), name, levels))
        with open_picture(io.BytesIO(data)) as image:  # reads the header only
            width, height = image.size
            reduction = _choose_reduction(image.size, max_pixels) if reduce and image.format in _JPEG else 1
            _check_pixels(image.size, name, max_pixels, expect, reduction)
            if reduction > 1:
                _log.warning("%s: %d x %d pixels, read at 1/%d of its width and height", name, width, height, reduction)
            _tell_more_frames(image, name)
            if image.format in _JPEG and image.mode in ("RGB", "L") and data.endswith(b"\xff\xd9"):
                picture = _decode_jpeg(data, name, reduction)
            elif _has_deep_colours(image, data):
                picture = _decode_deep(data, name, levels)
            else:
                if reduction > 1:
                    image.draft(image.mode, (width // reduction, height // reduction))
                picture = _convert_pil(image, name, levels)
            orientation = _read_orientation(image)  # only now: Pillow turns TIFF itself, and then no longer says so
    upright = _turn_upright(picture, orientation)
    if reduction == 1:
        return _keep(upright)
    return Reduced(upright, (width, height) if 5 <= orientation <= 8 else (height, width), reduction)


def _choose_reduction(size: tuple[int, int], max_pixels: int) -> int:
    """The least of the factors that libjpeg can reduce by which is enough; 8 if none is."""
    return next((factor for factor in (1, 2, 4) if _count_pixels(size, factor) <= max_pixels), 8)


def _count_pixels(size: tuple[int, int], reduction: int) -> int:
    return -(-size[0] // reduction) * -(-size[1] // reduction)


def open_picture(file: BinaryIO) -> Image.Image:
    """Read the header of a picture, but for HEIC.

    Raises:
        UnidentifiedImageError: not a picture that we read.
        Exception: whatever Pillow stumbles over, see `unify_picture_errors`.
    """
    head = file.read(16)
    Image.init()  # Image.open warns and refuses by a limit of its own, which is one for the whole process
    for kind in _FORMATS:
        if kind not in Image.OPEN:  # built without
            continue
        factory, accept = Image.OPEN[kind]
        accepted = accept is None or accept(head)
        if not accepted or isinstance(accepted, str):  # text says what is missing
            continue
        file.seek(0)
        try:
            return factory(file, "")
        except (SyntaxError, IndexError, TypeError, struct.error):  # not of this kind after all
            continue
    raise UnidentifiedImageError("no format fits")


def convert_frame(image: Image.Image, name: str, levels: Levels) -> Picture:
    """The current frame of an open picture, upright.

    Raises:
        MediaError: damaged; see also `unify_picture_errors`.
    """
    return _turn_upright(_convert_pil(image, name, levels), _read_orientation(image))


def holds_picture(path: Path) -> bool:
    """Is this a picture that we read, by its first bytes, whatever it is called?"""
    try:
        with path.open("rb") as file:
            if is_heic(file.read(_HEAD)):
                return True
            file.seek(0)
            open_picture(file)
            return True
    except Exception:  # Pillow raises whatever it stumbles over
        return False


def is_animated(path: Path) -> bool:
    """Does a picture have several frames or pages?"""
    if path.suffix.lower() not in _MOVING or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return has_more_frames(open_picture(file))
    except Exception:  # as above
        return False


def has_more_frames(image: Image.Image) -> bool:
    """Is there a second frame? Not the views and maps that cameras put behind a JPEG."""
    try:
        return image.format not in _JPEG and bool(getattr(image, "is_animated", False))
    except Exception:  # the first frame may be whole
        return False


def _tell_more_frames(image: Image.Image, name: str) -> None:
    if has_more_frames(image):
        what = "page" if image.format == "TIFF" else "frame"
        _log.warning("%s has several %ss; the first is taken; `nimblepose track` takes them all", name, what)


def _check_pixels(
    size: tuple[int, int], name: str, max_pixels: int, expect: Callable[[int], None] | None, reduction: int = 1
) -> None:
    pixels = _count_pixels(size, reduction)
    if pixels > max_pixels:
        raise TooManyPixelsError(
            f"{name} declares {size[0]} x {size[1]} pixels, more than the limit of {max_pixels}; "
            f"make it smaller, or, if you trust it, allow more with --max-pixels (in Python: max_pixels)"
        )
    if expect:
        expect(pixels)


def _decode_jpeg(data: bytes, name: str, reduction: int) -> Picture:
    """OpenCV decodes an ordinary JPEG faster than PIL and to the same pixels; it passes over truncation in silence."""
    kind = cv2.IMREAD_COLOR_RGB if reduction == 1 else _REDUCED[reduction]
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), kind | cv2.IMREAD_IGNORE_ORIENTATION)
    if decoded is not None and reduction > 1:  # OpenCV reduces to BGR only
        decoded = cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB, dst=decoded)
    if decoded is None:
        raise MediaError(f"{name} is damaged: its JPEG data cannot be decoded; fetch or copy it again")
    return np.asarray(decoded, np.uint8)


def read_deep(path: Path, *, max_pixels: int = MAX_PIXELS) -> NDArray[Any] | None:
    """Values of a picture of more than 8 bits, (H, W) or (H, W, 3) in any order, to find levels in; None of others.

    Raises:
        MediaError: no such file, not a picture, damaged, or too large.
    """
    data = read_bytes(path)
    if is_heic(data):
        return None
    with unify_picture_errors(str(path)), open_picture(io.BytesIO(data)) as image:
        deep = image.mode[:1] in ("I", "F") or _has_deep_colours(image, data)
        if not deep or image.size[0] * image.size[1] > max_pixels:
            return None
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    return None if decoded is None or decoded.dtype == np.uint8 else decoded[..., :3] if decoded.ndim == 3 else decoded


def _has_deep_colours(image: Image.Image, data: bytes) -> bool:
    """Are these colours of 16 bits, of which Pillow would keep the upper eight?"""
    if image.format == "PNG":
        return data[24:25] == b"\x10" and image.mode in ("RGB", "RGBA")  # the depth in the header
    return image.format == "TIFF" and image.mode in ("RGB", "RGBA") and 16 in image.tag_v2.get(_BITS, ())  # type: ignore[attr-defined]


def _decode_deep(data: bytes, name: str, levels: Levels) -> Picture:
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None:
        raise MediaError(f"{name} is damaged, or of a kind that cannot be read; fetch or copy it again")
    order = cv2.COLOR_BGR2RGB if decoded.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
    return _convert_array(cv2.cvtColor(decoded, order), levels)


def _convert_pil(image: Image.Image, name: str, levels: Levels) -> Picture:
    """Pixels of the first (or current) frame as RGB, whatever the mode."""
    if min(image.size) < 1:
        raise MediaError(f"{name} has no pixels: {image.size[0]} x {image.size[1]}")
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG"):  # "I": 16-bit PNG in old Pillow
        return _convert_array(np.asarray(image).astype(np.uint16), levels)
    if image.mode in ("I", "F"):  # 32 bits have no range of their own
        return _convert_array(to_8_bits(np.asarray(image), levels), levels)
    if image.mode == "La":
        image = image.convert("LA")  # Pillow knows no other way out of it
    if image.mode in _ALPHA_MODES or "transparency" in image.info:
        return _convert_array(np.asarray(image.convert("RGBA")), levels)
    return np.asarray(image.convert("RGB"))


def _convert_array(array: NDArray[Any], levels: Levels) -> Picture:
    shape = array.shape
    if array.dtype not in (np.uint8, np.uint16):
        raise MediaError(
            f"expected a picture of type uint8 (or uint16), got {array.dtype}; values 0..1 become one with "
            f"(array * 255).round().astype(np.uint8)"
        )
    if array.ndim not in (2, 3) or (array.ndim == 3 and shape[2] not in (1, 3, 4)) or 0 in shape:
        planar = array.ndim == 3 and shape[0] in (1, 3, 4)
        raise MediaError(
            f"expected a picture of shape (height, width), (height, width, 3) RGB or (height, width, 4) RGBA, "
            f"got {shape}"
            + ("; planar pictures become one with array.transpose(1, 2, 0)" if planar else "")
            + ("; a batch is given as list(array)" if array.ndim == 4 else "")
        )
    pixels = np.asarray(array, np.uint8) if array.dtype == np.uint8 else to_8_bits(array, levels)
    if array.dtype == np.uint16 and pixels.ndim == 3 and shape[2] == 4:  # transparency has no levels
        pixels = np.concatenate([to_8_bits(array[..., :3], levels), (array[..., 3:] >> 8).astype(np.uint8)], axis=2)
    if pixels.ndim == 2 or shape[2] == 1:
        return np.repeat(pixels.reshape(*shape[:2], 1), 3, axis=2)
    return _put_on_background(pixels) if shape[2] == 4 else pixels


def _put_on_background(rgba: Picture) -> Picture:
    """Lay (H, W, 4) on the background, rounded: colour * a + background * (1 - a)."""
    colour, alpha = rgba[..., :3].astype(np.uint16), rgba[..., 3:].astype(np.uint16)
    return ((colour * alpha + BACKGROUND * (255 - alpha) + 127) // 255).astype(np.uint8)


def _read_orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 (upright) where it is missing or the EXIF block is damaged."""
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # Pillow raises whatever its EXIF parser stumbles over; the pixels are still good
        return 1


def _turn_upright(picture: Picture, orientation: int) -> Picture:
    """Undo an EXIF orientation (2 to 8); anything else is upright."""
    if 5 <= orientation <= 8:  # 1 to 4 of the transposed picture: mirrored along the diagonal first
        picture, orientation = picture.transpose(1, 0, 2), orientation - 4
    rows = slice(None, None, -1 if orientation in (3, 4) else 1)
    columns = slice(None, None, -1 if orientation in (2, 3) else 1)
    return np.ascontiguousarray(picture[rows, columns])


@contextmanager
def unify_picture_errors(name: str) -> Iterator[None]:
    """Turn what Pillow raises for damaged or hostile files into `MediaError`."""
    try:
        yield
    except (MediaError, MissingPackageError):
        raise
    except UnidentifiedImageError as error:
        if name.lower().endswith(VIDEO_SUFFIXES):
            raise MediaError(f"{name} is a video; `nimblepose track` and `PoseEstimator.track` take it") from error
        known = ", ".join((*_FORMATS, "HEIC"))
        raise MediaError(f"{name} is not a picture that we can read ({known}); convert it to PNG or JPEG") from error
    except MemoryError as error:
        raise MediaError(f"{name} needs more memory than there is; make it smaller") from error
    except Exception as error:  # Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error and more
        raise MediaError(f"{name} is damaged or truncated ({error}); fetch or copy it again") from error
