"""What the network saw, over the picture: heatmaps and part affinity fields as colour."""

import cv2
import numpy as np
from numpy.typing import NDArray

from nimblepose.media.pictures import Picture

_LUMA = np.array([[0.299, 0.587, 0.114]], np.float32)


def overlay_heatmaps(picture: Picture, heatmaps: NDArray[np.floating]) -> Picture:
    """The picture in gray, and the strongest keypoint heatmap at each place glowing over it.

    Args:
        picture: (H, W, 3) uint8 RGB.
        heatmaps: (K + 1, h, w) over the whole picture; the last is background and not shown.
    """
    heat = (255 * np.clip(heatmaps[:-1].max(axis=0), 0, 1)).astype(np.uint8)
    heat = cv2.resize(heat, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    colours = cv2.cvtColor(cv2.applyColorMap(heat, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    return _over_gray(picture, np.asarray(colours, np.uint8))


def overlay_pafs(picture: Picture, pafs: NDArray[np.floating]) -> Picture:
    """The picture in gray, and over it the strongest limb at each place: hue is its direction, brightness its length.

    Args:
        picture: (H, W, 3) uint8 RGB.
        pafs: (2L, h, w) over the whole picture.
    """
    vectors = pafs.reshape(-1, 2, *pafs.shape[1:])
    length = np.linalg.norm(vectors, axis=1)  # (L, h, w)
    x, y = np.take_along_axis(vectors, length.argmax(axis=0)[None, None], axis=0)[0]
    hue = (np.degrees(np.arctan2(y, x)) % 360) / 2  # OpenCV's hue ends at 180
    bright = 255 * np.clip(length.max(axis=0, initial=0.0), 0, 1)
    hsv = np.stack([hue, np.full_like(hue, 255), bright], axis=-1).astype(np.uint8)
    colours = cv2.resize(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return _over_gray(picture, np.asarray(colours, np.uint8))


def _over_gray(picture: Picture, layer: Picture) -> Picture:
    """Half as bright and without colour, so that colour means fields."""
    gray = cv2.cvtColor(cv2.transform(picture, _LUMA / 2), cv2.COLOR_GRAY2RGB)
    return np.asarray(cv2.add(gray, layer), np.uint8)
