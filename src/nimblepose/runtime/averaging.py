"""Test-time averaging: fields of a picture, of its mirror image and of other sizes, as one."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from nimblepose.core.geometry import Size
from nimblepose.core.skeleton import Skeleton
from nimblepose.runtime.protocols import Fields


def mirror(fields: Fields, skeleton: Skeleton, *, paf_offset: float = 0.0) -> Fields:
    """Fields of the mirrored picture to fields of the picture: flipped back, left and right exchanged.

    Args:
        fields: Of a batch of mirrored pictures.
        skeleton: Knows which keypoints and limbs a mirror swaps, and how limbs then point.
        paf_offset: Cells that each PAF value lies to the right of its place, in every picture; flipping moves it to the
            left, so PAFs are shifted back by twice that.

    Raises:
        SkeletonError: the mirror image of a limb is not a limb.
    """
    limbs, direction = skeleton.limb_flip
    heatmaps = np.concatenate([fields.heatmaps[:, skeleton.flip_permutation], fields.heatmaps[:, -1:]], axis=1)
    batch, channels, height, width = fields.pafs.shape
    pafs = fields.pafs.reshape(batch, channels // 2, 2, height, width)[:, limbs]
    sign = direction[:, None] * np.array([-1, 1], np.float32)  # a mirror turns x round
    pafs = (pafs * sign[:, :, None, None]).reshape(fields.pafs.shape)
    return Fields(heatmaps[..., ::-1], _shift_right(pafs[..., ::-1], 2 * paf_offset))


def _shift_right(fields: NDArray[np.float32], cells: float) -> NDArray[np.float32]:
    """Move (..., h, w) to the right by a part of a cell, linearly; the left edge is repeated."""
    if not cells:
        return fields
    left = np.concatenate([fields[..., :1], fields[..., :-1]], axis=-1)
    return np.asarray((1 - cells) * fields + cells * left, np.float32)


def average(all_fields: Sequence[Fields], size: Size) -> Fields:
    """Mean of fields of several sizes, each (B, ..., h, w), at `size` (height, width) in cells."""
    heatmaps = np.mean([_resize(fields.heatmaps, size) for fields in all_fields], axis=0)
    pafs = np.mean([_resize(fields.pafs, size) for fields in all_fields], axis=0)
    return Fields(np.asarray(heatmaps, np.float32), np.asarray(pafs, np.float32))


def _resize(fields: NDArray[np.float32], size: Size) -> NDArray[np.float32]:
    if fields.shape[2:] == size:
        return fields
    planes = [cv2.resize(p, size[::-1], interpolation=cv2.INTER_CUBIC) for p in fields.reshape(-1, *fields.shape[2:])]
    return np.asarray(planes, np.float32).reshape(*fields.shape[:2], *size)
