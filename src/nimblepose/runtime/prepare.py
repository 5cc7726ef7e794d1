"""Pictures to network input."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from nimblepose.core.geometry import Placement, Size
from nimblepose.core.metadata import InputSpec

Batch = NDArray[np.float32 | np.uint8]
"""Prepared pictures, (B, 3, h, w), as the `InputSpec` of the weights says."""


def resize(picture: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    """Resize (H, W, 3) to (height, width), after halving as often as it takes, so that no pixel is skipped.

    Cubic and linear interpolation look at 4 x 4 and 2 x 2 pixels however small the result is; OpenCV's area filter,
    which looks at all of them, takes ten times longer. What was halved is smooth, and linear is enough for it.

    What was halved has the same bytes on every processor: the exact kind of linear interpolation, since of the plain
    kind 19 to 37 % of the bytes differ by one between x86 and ARM, and one byte can move a keypoint by pixels. Cubic
    interpolation has no exact kind: 3 to 5 % differ by one, see docs/platforms.md for what was tried.
    """
    height, width = size
    final = cv2.INTER_CUBIC
    while picture.shape[0] >= 2 * height and picture.shape[1] >= 2 * width:
        half = (picture.shape[1] // 2, picture.shape[0] // 2)  # OpenCV wants (width, height)
        picture = np.asarray(cv2.resize(picture, half, interpolation=cv2.INTER_LINEAR_EXACT), np.uint8)
        final = cv2.INTER_LINEAR_EXACT
    if picture.shape[:2] == size:
        return picture
    return np.asarray(cv2.resize(picture, (width, height), interpolation=final), np.uint8)


def prepare(
    pictures: Sequence[NDArray[np.uint8]],
    placement: Placement,
    spec: InputSpec,
    *,
    out: Batch | None = None,
) -> Batch:
    """Pictures of one size, (H, W, 3) RGB, to a batch (B, 3, h, w) as the network expects it.

    `out` is filled and returned if it has that shape: new memory for every frame takes a third of a millisecond.
    """
    shape, dtype = (len(pictures), 3, *placement.input_size), np.dtype(spec.dtype)
    batch = out if out is not None and (out.shape, out.dtype) == (shape, dtype) else np.empty(shape, dtype)
    for planes, picture in zip(batch, pictures, strict=True):
        ordered = planes[::-1] if spec.channels == "bgr" else planes
        resized = resize(picture, placement.input_size)
        if spec.dtype == "uint8":
            cv2.split(resized, list(ordered))  # into the batch
        else:
            ordered[:] = cv2.split(resized)
    if spec.mean:
        batch -= np.float32(spec.mean)
    if spec.scale != 1:
        batch *= np.float32(spec.scale)
    return batch
