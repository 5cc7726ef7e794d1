"""Object keypoint similarity, as COCO defines it."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def compute_oks(
    keypoints: NDArray[np.floating],
    other: NDArray[np.floating],
    *,
    oks_sigmas: ArrayLike,
    area: NDArray[np.floating],
) -> NDArray[np.float64]:
    """Similarity of N people to M others, (N, M), in [0, 1].

    The mean of exp(-d^2 / (2 area (2 sigma)^2)) over the keypoints that exist in `other`, d in pixels
    (cocodataset.org/#keypoints-eval). A keypoint that `keypoints` lacks counts as infinitely far; a person of `other`
    without keypoints resembles nobody.

    Args:
        keypoints: (N, K, 2) pixels, NaN where not found.
        other: (M, K, 2) pixels, NaN where not labelled.
        oks_sigmas: (K,) per-keypoint constants.
        area: (M,) areas of the people of `other` in square pixels.
    """
    variance = (2 * np.asarray(oks_sigmas, np.float64)) ** 2
    difference = keypoints[:, None].astype(np.float64) - other[None].astype(np.float64)  # (N, M, K, 2)
    squared = (difference**2).sum(-1)
    scale = 2 * np.maximum(np.asarray(area, np.float64), np.spacing(1))[None, :, None] * variance
    similarity = np.nan_to_num(np.exp(-squared / scale))
    labelled = ~np.isnan(other[..., 0])  # (M, K)
    return np.asarray(similarity.sum(-1) / np.maximum(labelled.sum(-1), 1)[None])
