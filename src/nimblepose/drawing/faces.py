"""Where heads are, by keypoints, and how to make them unrecognisable."""

import re

import cv2
import numpy as np
from numpy.typing import NDArray

from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import Skeleton
from nimblepose.media.pictures import Picture

_HEAD = {"nose", "eye", "ear", "head", "mouth", "chin", "muzzle", "forehead"}
_SHOULDERS = {"shoulder", "neck", "withers"}
_HIPS = {"hip", "pelvis", "tail"}
_SPREAD = 1.6  # radius in greatest distances between head keypoints and their middle: ears are in, hair mostly
_OF_TRUNK = 0.26  # least radius in lengths of the trunk, for heads of which one or two keypoints were found
_OF_BOX = 0.09  # the same in diagonals of the box, for people without trunk
_MOSAIC = 4  # what is left of a head: so many blurred patches across


def find_head_discs(poses: Poses) -> NDArray[np.float64]:
    """Discs that cover the heads of the people, (M, 3) as x, y, radius in pixels; M <= N.

    Around the keypoints of the head that were found; where none was, above the shoulders, away from the hips. Of a
    person without either there is no disc.
    """
    head, shoulders, hips = (_find_middles(poses, words) for words in (_HEAD, _SHOULDERS, _HIPS))
    trunk = np.linalg.norm(shoulders - hips, axis=1)
    diagonal = np.hypot(*poses.boxes[:, 2:].T.astype(np.float64))
    least = np.where(np.isnan(trunk), _OF_BOX * diagonal, _OF_TRUNK * trunk)
    indices = _find_keypoints(poses.skeleton, _HEAD)
    reach = np.linalg.norm(poses.keypoints[:, indices] - head[:, None], axis=2)  # (N, heads)
    reach[~poses.seen[:, indices]] = np.nan  # guesses cover too little
    radius = np.fmax(_SPREAD * np.nan_to_num(reach).max(axis=1, initial=0.0), least)
    up = np.where(np.isnan(trunk)[:, None], (0.0, -1.0), (shoulders - hips) / np.maximum(trunk, 1e-9)[:, None])
    radius = np.where(np.isnan(head[:, 0]), 1.3 * radius, radius)  # the place is a guess: cover more
    centre = np.where(np.isnan(head), shoulders + 1.2 * radius[:, None] * up, head)
    discs = np.column_stack([centre, radius])
    return np.asarray(discs[np.isfinite(discs).all(axis=1) & (radius > 0)])


def blur_discs(canvas: Picture, discs: NDArray[np.float64]) -> None:
    """Replace discs of a picture by a few blurred patches, in place; what was there cannot be brought back."""
    height, width = canvas.shape[:2]
    for x, y, radius in discs:
        left, top = (int(np.clip(v - radius, 0, side)) for v, side in ((x, width), (y, height)))
        right, bottom = (int(np.clip(v + radius + 2, 0, side)) for v, side in ((x, width), (y, height)))
        if right <= left or bottom <= top:
            continue
        region = canvas[top:bottom, left:right]
        small = cv2.resize(region, (_MOSAIC, _MOSAIC), interpolation=cv2.INTER_AREA)
        blurred = cv2.resize(small, region.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        rows, columns = np.ogrid[top:bottom, left:right]
        inside = (columns - x) ** 2 + (rows - y) ** 2 <= radius**2
        region[inside] = blurred[inside]


def _find_middles(poses: Poses, words: set[str]) -> NDArray[np.float64]:
    """Mean of the keypoints seen that have one of the words in their names, (N, 2); NaN if there is none."""
    indices = _find_keypoints(poses.skeleton, words)
    points, seen = poses.keypoints[:, indices].astype(np.float64), poses.seen[:, indices]
    count = seen.sum(axis=1)[:, None]
    total = np.where(seen[..., None], points, 0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _find_keypoints(skeleton: Skeleton, words: set[str]) -> list[int]:
    """Keypoints that have one of the words in their names.

    >>> from nimblepose.core.skeleton import HUMAN_18
    >>> [HUMAN_18.keypoints[i] for i in _find_keypoints(HUMAN_18, _HIPS)]
    ['right_hip', 'left_hip']
    """
    split = (
        set(re.split(r"[^a-z]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower())) for name in skeleton.keypoints
    )
    return [i for i, parts in enumerate(split) if parts & words]
