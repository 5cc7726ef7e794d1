"""Pictures of samples and fields for human eyes."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from nimblepose.media.pictures import Picture


def draw_fields(image: Picture, heatmaps: NDArray[np.floating], pafs: NDArray[np.floating]) -> Picture:
    """Three pictures side by side, (H, 3 W, 3): the input, keypoint heatmaps over it, PAFs over it.

    Args:
        image: (H, W, 3) RGB.
        heatmaps: (K + 1, h, w), the last is background and not shown; brightness is the largest value.
        pafs: (2L, h, w); hue is the direction of the strongest limb, brightness its length.
    """
    size = image.shape[1], image.shape[0]
    heat = np.clip(heatmaps[:-1].max(axis=0), 0, 1)
    vectors = pafs.reshape(-1, 2, *pafs.shape[1:])
    length = np.linalg.norm(vectors, axis=1)  # (L, h, w)
    strongest = length.argmax(axis=0)
    x, y = np.take_along_axis(vectors, strongest[None, None], axis=0)[0]
    hue = (np.degrees(np.arctan2(y, x)) % 360) / 2  # OpenCV's hue ends at 180
    hsv = np.stack([hue, np.full_like(hue, 255), 255 * np.clip(length.max(axis=0), 0, 1)], axis=-1).astype(np.uint8)
    layers = (
        cv2.cvtColor(cv2.applyColorMap((255 * heat).astype(np.uint8), cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB),
        cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB),
    )
    gray = np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2) / 2  # so that colour means fields
    overlaid = [np.clip(gray + cv2.resize(layer, size, interpolation=cv2.INTER_NEAREST), 0, 255) for layer in layers]
    return np.concatenate([image, *overlaid], axis=1).astype(np.uint8)


def tile(pictures: Sequence[Picture], columns: int) -> Picture:
    """Pictures of one size in rows of `columns`; what is missing at the end is white."""
    height, width = pictures[0].shape[:2]
    rows = -(-len(pictures) // columns)
    sheet = np.full((rows * height, columns * width, 3), 255, np.uint8)
    for i, picture in enumerate(pictures):
        top, left = (i // columns) * height, (i % columns) * width
        sheet[top : top + height, left : left + width] = picture
    return sheet
