"""Where heads are, or may be, by keypoints: ellipses to make unrecognisable."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nimblepose.core.body import HEAD, list_keypoints
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import Skeleton

Heads = NDArray[np.float32]
"""(M, 5) ellipses: x, y of the centre, half width and half height, in pixels; and a score in [0, 1]."""
NO_HEADS: Heads = np.zeros((0, 5), np.float32)

_SHOULDERS = frozenset({"shoulder", "neck", "withers"})
_HIPS = frozenset({"hip", "pelvis", "tail"})
_SPREAD = 1.6  # radius in greatest distances between head keypoints and their middle: ears are in, hair mostly
_OF_TRUNK = 0.26  # least radius in lengths of the trunk, for heads of which one or two keypoints were found
_OF_BOX = 0.09  # the same in diagonals of the box, for people without trunk


def find_heads(poses: Poses, *, pixel_aspect: float = 1.0, least_radius: float = 0.0) -> Heads:
    """Ellipses that cover the heads of the people, (M, 5), with the people's scores; M <= N.

    Circles as the picture is shown. Around the keypoints of the head that were found; where none was, above the
    shoulders, away from the hips. Of a person without either there is none.

    Args:
        poses: People in pixels of a picture.
        pixel_aspect: Width over height of its pixels as they are shown.
        least_radius: In pixels, of the height: none is smaller.
    """
    shown = poses.keypoints.astype(np.float64) * (pixel_aspect, 1.0)
    seen = poses.seen
    head, shoulders, hips = (
        _find_middles(shown, seen, list_keypoints(poses.skeleton.keypoints, words))
        for words in (HEAD, _SHOULDERS, _HIPS)
    )
    trunk = np.linalg.norm(shoulders - hips, axis=1)
    diagonal = np.hypot(*(poses.boxes[:, 2:].astype(np.float64) * (pixel_aspect, 1.0)).T)
    least = np.maximum(least_radius, np.where(np.isnan(trunk), _OF_BOX * diagonal, _OF_TRUNK * trunk))
    indices = list_head_keypoints(poses.skeleton)
    reach = np.linalg.norm(shown[:, indices] - head[:, None], axis=2)  # (N, heads)
    reach[~seen[:, indices]] = np.nan  # guesses cover too little
    radius = np.fmax(_SPREAD * np.nan_to_num(reach).max(axis=1, initial=0.0), least)
    up = np.where(np.isnan(trunk)[:, None], (0.0, -1.0), (shoulders - hips) / np.maximum(trunk, 1e-9)[:, None])
    radius = np.where(np.isnan(head[:, 0]), 1.3 * radius, radius)  # the place is a guess: cover more
    centre = np.where(np.isnan(head), shoulders + 1.2 * radius[:, None] * up, head)
    heads = np.column_stack([centre, radius, radius, poses.scores])
    heads[:, [0, 2]] /= pixel_aspect
    return np.asarray(heads[np.isfinite(heads).all(axis=1) & (radius > 0)], np.float32)


def gather_heads(poses: Poses, *, pixel_aspect: float = 1.0) -> Heads:
    """`Poses.heads` if they were looked for, and those of the people, (M, 5)."""
    own = find_heads(poses, pixel_aspect=pixel_aspect)
    return own if poses.heads is None else np.concatenate([poses.heads, own])


def move_heads(heads: Heads, move: Callable[[NDArray[np.floating]], NDArray[np.floating]], factor: ArrayLike) -> Heads:
    """Heads in other pixels: `move` is for points, (M, 2); `factor` are new pixels per old one, along x and y."""
    moved = heads.copy()
    moved[:, :2], moved[:, 2:4] = move(heads[:, :2]), heads[:, 2:4] * np.asarray(factor, np.float32)
    return moved


def list_head_keypoints(skeleton: Skeleton) -> list[int]:
    """Keypoints that lie on the head, by their names.

    >>> from nimblepose.core.skeleton import HUMAN_18
    >>> [HUMAN_18.keypoints[i] for i in list_head_keypoints(HUMAN_18)]
    ['nose', 'right_eye', 'left_eye', 'right_ear', 'left_ear']
    """
    return list_keypoints(skeleton.keypoints, HEAD)


def _find_middles(points: NDArray[np.float64], seen: NDArray[np.bool_], indices: list[int]) -> NDArray[np.float64]:
    """Mean of the keypoints seen among those of the indices, (N, 2); NaN if there is none."""
    count = seen[:, indices].sum(axis=1)[:, None]
    total = np.where(seen[:, indices, None], points[:, indices], 0).sum(axis=1)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))
