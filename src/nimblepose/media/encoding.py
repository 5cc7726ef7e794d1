"""Pictures as the bytes of files."""

import cv2

from nimblepose.core.errors import MediaError
from nimblepose.media.pictures import Picture

_ENCODING = {  # suffix -> OpenCV's options
    ".jpg": (cv2.IMWRITE_JPEG_QUALITY, 93),
    ".jpeg": (cv2.IMWRITE_JPEG_QUALITY, 93),
    ".png": (cv2.IMWRITE_PNG_COMPRESSION, 3),
    ".webp": (cv2.IMWRITE_WEBP_QUALITY, 93),
}
ENCODED_SUFFIXES = tuple(_ENCODING)


def encode_picture(picture: Picture, suffix: str) -> bytes:
    """A (H, W, 3) RGB picture as the bytes of a file with this suffix (.jpg, .jpeg, .png, .webp).

    Raises:
        MediaError: another suffix, or a picture too large for the format.
    """
    if suffix.lower() not in _ENCODING:
        raise MediaError(f"cannot write pictures as {suffix!r}; use one of {', '.join(_ENCODING)}")
    try:
        done, data = cv2.imencode(suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), _ENCODING[suffix.lower()])
    except cv2.error as error:
        raise MediaError(
            f"cannot write a picture of {picture.shape[1]} x {picture.shape[0]} as {suffix}: {error}"
        ) from error
    if not done:
        raise MediaError(f"cannot write a picture of {picture.shape[1]} x {picture.shape[0]} as {suffix}; try .png")
    return data.tobytes()
