"""Who somebody is and how sure, written where no head is."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from nimblepose.core.heads import find_heads
from nimblepose.core.palette import Colour
from nimblepose.core.poses import Poses
from nimblepose.media.pictures import Picture

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_DARK: Colour = (20, 20, 20)
_MIN_SCALE = 0.42  # below, digits run together
_PIXELS_PER_SCALE = 1200  # of the picture's smaller side
_PAD = 3  # pixels around a text


def measure_bodies(poses: Poses) -> NDArray[np.float32]:
    """Boxes around keypoints and heads, (N, 4) as x, y, width, height in pixels; NaN where nothing was found.

    Keypoints end at the eyes: a box around them, and what is written above it, would cut the head.
    """
    boxes = poses.boxes.copy()
    for i in range(len(poses)):
        heads = find_heads(poses[[i]])
        if np.isnan(boxes[i]).any() or not len(heads):
            continue
        x, y, half_width, half_height = heads[0, :4]
        low = np.minimum(boxes[i, :2], (x - half_width, y - half_height))
        high = np.maximum(boxes[i, :2] + boxes[i, 2:], (x + half_width, y + half_height))
        boxes[i] = *low, *(high - low)
    return boxes


def draw_label(canvas: Picture, texts: Sequence[tuple[str, Colour | None]], box: NDArray[np.float32]) -> None:
    """Texts side by side above a box, or below it where there is no room above; always inside the picture.

    Args:
        canvas: (H, W, 3) uint8 RGB, drawn on in place.
        texts: Each with the colour that it stands on, dark if None; each has a field of its own, so that "#3" and
            "0.87" stay apart in small pictures, too.
        box: x, y, width, height in pixels; NaN: nothing is written.
    """
    if np.isnan(box).any():
        return
    height, width = canvas.shape[:2]
    scale = max(_MIN_SCALE, min(height, width) / _PIXELS_PER_SCALE)
    sizes = [cv2.getTextSize(text, _FONT, scale, 1)[0] for text, _ in texts]
    tall = max(size[1] for size in sizes) + 2 * _PAD
    x = int(np.clip(box[0], 0, max(0, width - sum(size[0] + 2 * _PAD for size in sizes))))
    top = int(np.clip(box[1], -tall, height)) - tall
    if top < 0:
        below = int(np.clip(box[1] + box[3], 0, height))
        top = below if below + tall <= height else 0
    for (text, colour), size in zip(texts, sizes, strict=True):
        wide = size[0] + 2 * _PAD
        cv2.rectangle(canvas, (x, top), (x + wide - 1, top + tall - 1), colour or _DARK, cv2.FILLED)
        ink = (255, 255, 255) if colour is None else (0, 0, 0)
        cv2.putText(canvas, text, (x + _PAD, top + tall - _PAD), _FONT, scale, ink, 1, cv2.LINE_AA)
        x += wide
