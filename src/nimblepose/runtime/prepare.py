"""Pictures to network input."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from nimblepose.core.geometry import Placement, Size
from nimblepose.core.metadata import InputSpec
from nimblepose.looks.canvas import Canvas

_GRAY = 128  # of 0..255; the mean that most networks take off, so that they see nothing there

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
    shape = (len(pictures), 3, *placement.input_size)
    batch = out if out is not None and _fits(out, shape, spec) else np.empty(shape, spec.dtype)
    for planes, picture in zip(batch, pictures, strict=True):
        _put(resize(picture, placement.input_size), planes, spec)
    return _normalise(batch, spec)


def prepare_canvas(picture: NDArray[np.uint8], canvas: Canvas, spec: InputSpec, *, out: Batch | None = None) -> Batch:
    """Looks at a picture, (H, W, 3) RGB, on their canvas, as a batch (1, 3, h, w); what is between them is gray.

    `out` is filled and returned if it has that shape.
    """
    shape = (1, 3, *canvas.input_size)
    batch = out if out is not None and _fits(out, shape, spec) else np.empty(shape, spec.dtype)
    batch[:] = _GRAY
    arrays = canvas.boxes, canvas.corners, canvas.sizes, canvas.turns
    looks = zip(*(array.tolist() for array in arrays), strict=True)
    for (left, top, right, bottom), (row, column), (height, width), turns in looks:
        part = np.rot90(picture[top:bottom, left:right], turns)
        planes = batch[0, :, row * canvas.stride :, column * canvas.stride :]
        size = height * canvas.stride, width * canvas.stride
        _put(resize(part, size), planes[:, : size[0], : size[1]], spec)
    return _normalise(batch, spec)


def _fits(out: Batch, shape: tuple[int, ...], spec: InputSpec) -> bool:
    return (out.shape, out.dtype) == (shape, np.dtype(spec.dtype))


def _put(picture: NDArray[np.uint8], planes: Batch, spec: InputSpec) -> None:
    """A picture (h, w, 3) into planes (3, h, w), in the order of the network's channels."""
    ordered = planes[::-1] if spec.channels == "bgr" else planes
    if spec.dtype == "uint8":
        cv2.split(picture, list(ordered))  # into the batch
    else:
        ordered[:] = cv2.split(picture)


def _normalise(batch: Batch, spec: InputSpec) -> Batch:
    """In place."""
    if spec.mean:
        np.subtract(batch, np.float32(spec.mean), out=batch)
    if spec.scale != 1:
        np.multiply(batch, np.float32(spec.scale), out=batch)
    return batch
