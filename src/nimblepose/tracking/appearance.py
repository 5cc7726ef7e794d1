"""What people look like: the colours along their limbs."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.poses import Poses

_PLACES = np.array([0.2, 0.35, 0.5, 0.65, 0.8], np.float32)  # along a limb; its ends are joints that others share


def add_colours(poses: Poses, picture: NDArray[np.uint8]) -> Poses:
    """The same people with their `limb_colours`, looked up in the picture (H, W, 3) in which they were found."""
    limbs, (height, width) = poses.skeleton.limb_indices, picture.shape[:2]
    start, end = poses.keypoints[:, limbs[:, 0]], poses.keypoints[:, limbs[:, 1]]  # (N, L, 2)
    seen = ~np.isnan(start[..., 0] + end[..., 0])
    start, way = start[seen], (end - start)[seen]  # (S, 2)
    places = start[:, None] + way[:, None] * _PLACES[:, None]  # (S, P, 2)
    cells = np.clip(np.rint(places), 0, (width - 1, height - 1)).astype(np.intp)
    samples = np.ascontiguousarray(picture).reshape(-1, 3).take(cells[..., 1] * width + cells[..., 0], axis=0)
    colours = np.full((*seen.shape, 3), np.nan, np.float32)
    colours[seen] = samples.mean(axis=1)
    return dataclasses.replace(poses, limb_colours=colours)
