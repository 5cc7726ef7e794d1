"""A decoded frame as the picture that people see: upright, not mirrored, of one moment, in the colours of a screen."""

import re
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from nimblepose.media.containers import load_av
from nimblepose.media.levels import Levels, SteadyLevels
from nimblepose.media.pictures import Picture

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

_UNSPECIFIED, _BT709 = 2, 1  # of FFmpeg's list of matrices
_PQ = 16  # of FFmpeg's list of transfer curves: SMPTE ST 2084, high dynamic range
_HD_HEIGHT = 720  # players take untagged colours of this height and more for BT.709, of less for BT.601
_DEEP_GRAY, _DEEP_RGB = re.compile(r"gray(9|1\d)"), re.compile(r"(gbrp|rgb48|bgr48|gbrap)(9|1\d)?")


class FrameConverter:
    """Turns the frames of one stream into pictures, one after the other."""

    def __init__(self, levels: Levels = "auto") -> None:
        """Begin with the first frame; `levels` are for streams of gray or RGB of more than 8 bits."""
        self._reformatter = load_av().video.reformatter.VideoReformatter()
        self._levels = SteadyLevels(levels)

    def convert(self, frame: "VideoFrame") -> Picture:
        """The frame as (H, W, 3) RGB.

        Of a frame that holds two moments, line by line in turn (interlaced), the first field is taken, stretched to
        the frame's height: two would show everybody who moves as a comb.
        """
        picture = self._read(frame)
        if frame.color_trc == _PQ:
            picture = np.asarray(cv2.LUT(picture, _standard_of_pq()), np.uint8)
        if frame.interlaced_frame:
            picture = take_field(picture)
        return turn(picture, *orientation(frame))

    def read_deep(self, frame: "VideoFrame") -> NDArray[np.uint16] | None:
        """Values of a frame of more than 8 bits, (H, W) gray or (H, W, 3) RGB; None of others.

        Formats with chroma are among the others: they say what is black and white.
        """
        kind = find_deep_format(frame.format.name)
        if kind is None:
            return None
        values: Any = self._reformatter.reformat(frame, format=kind, threads=1).to_ndarray()
        return np.asarray(values, np.uint16)

    def _read(self, frame: "VideoFrame") -> Picture:
        values = self.read_deep(frame)
        if values is not None:
            eight = self._levels.to_8_bits(values)
            return np.repeat(eight[..., None], 3, axis=2) if eight.ndim == 2 else eight
        untagged_hd = frame.colorspace == _UNSPECIFIED and frame.height >= _HD_HEIGHT
        converted = self._reformatter.reformat(
            frame, format="rgb24", src_colorspace=_BT709 if untagged_hd else None, threads=1
        )
        return np.asarray(converted.to_ndarray(), np.uint8)


def find_deep_format(name: str) -> str | None:
    """What a format of more than 8 bits without chroma is read as; None for others.

    >>> find_deep_format("gray12le"), find_deep_format("gbrp16le"), find_deep_format("yuv420p10le")
    ('gray16le', 'rgb48le', None)
    """
    if _DEEP_GRAY.match(name):
        return "gray16le"
    deep = _DEEP_RGB.match(name)
    return "rgb48le" if deep and (deep.group(2) or "48" in name) else None


def take_field(picture: Picture) -> Picture:
    """The first of two fields, stretched to the height of both; its lines stay where they are."""
    field = picture[::2]
    height, width = picture.shape[:2]
    # Line i of the field is line 2 i of the picture; cv2.resize would put it at 2 i + 1/2.
    stretched = cv2.warpAffine(
        field,
        np.array([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]]),
        (width, height),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(stretched, np.uint8)


def orientation(frame: "VideoFrame") -> tuple[bool, bool, bool]:
    """What the file's display matrix does to the stored picture: transpose, then mirror columns, then mirror rows."""
    data: Any = frame.side_data.get("DISPLAYMATRIX") if frame.side_data else None
    if data is None:
        return False, False, False
    a, b, _, c, d, *_ = np.frombuffer(bytes(data), "=i4").tolist()  # x' = a x + c y, y' = b x + d y
    if abs(b) > abs(a):
        return True, c < 0, b < 0
    return False, a < 0, d < 0


def turn(picture: Picture, transposed: bool, columns: bool, rows: bool) -> Picture:
    """The picture transposed, then its columns, then its rows in reverse order, each if so asked."""
    match transposed, columns, rows:
        case False, False, False:
            return picture
        case False, True, True:
            turned: NDArray[Any] = cv2.rotate(picture, cv2.ROTATE_180)
        case True, True, False:
            turned = cv2.rotate(picture, cv2.ROTATE_90_CLOCKWISE)
        case True, False, True:
            turned = cv2.rotate(picture, cv2.ROTATE_90_COUNTERCLOCKWISE)
        case _:
            turned = cv2.transpose(picture) if transposed else picture
            if columns or rows:
                turned = cv2.flip(turned, -1 if columns and rows else int(columns))
    return np.asarray(turned, np.uint8)


def _standard_of_pq() -> NDArray[np.uint8]:
    """What each of 256 values of PQ (SMPTE ST 2084) is on a screen of standard range.

    The curve gives light in candelas per square metre, of which white paper has about 203 (ITU-R BT.2408); brighter
    light is pressed together (Reinhard 2002, with 1000 as white), and the result gets the curve of sRGB.
    """
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    signal = (np.arange(256) / 255) ** (1 / m2)
    light = 10_000 * (np.maximum(signal - c1, 0) / (c2 - c3 * signal)) ** (1 / m1) / 203
    white = 1000 / 203
    pressed = np.clip(light * (1 + light / white**2) / (1 + light), 0, 1)
    curved = np.where(pressed <= 0.0031308, 12.92 * pressed, 1.055 * pressed ** (1 / 2.4) - 0.055)
    table: NDArray[np.uint8] = np.rint(255 * curved).astype(np.uint8)
    return table
