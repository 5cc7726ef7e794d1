"""Fields to poses: the chain of the five steps."""

import numpy as np
from numpy.typing import NDArray

from nimblepose.codec.grouping import assemble, match_limbs
from nimblepose.codec.limbs import score_limbs
from nimblepose.codec.options import FOR_RANKING, DecodeOptions
from nimblepose.codec.peaks import find_peaks, refine_peaks
from nimblepose.core.geometry import rescale
from nimblepose.core.metadata import PafGeometry
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import Skeleton

__all__ = ["FOR_RANKING", "DecodeOptions", "decode", "paf_offset"]


def paf_offset(stride: int, geometry: PafGeometry) -> float:
    """Cells to the lower right at which the PAF of a place is found.

    A cell drawn from its corner, at `stride * cell`, lies (stride - 1) / 2 pixels before the centre it is taken for.
    """
    return (stride - 1) / (2 * stride) if geometry == "corner" else 0.0


def decode(
    heatmaps: NDArray[np.float32],
    pafs: NDArray[np.float32],
    skeleton: Skeleton,
    *,
    stride: int = 8,
    paf_geometry: PafGeometry = "corner",
    options: DecodeOptions | None = None,
) -> Poses:
    """Find everybody in the fields of one picture.

    Args:
        heatmaps: (K + 1, h, w), the last is background.
        pafs: (2L, h, w).
        skeleton: K keypoints and L limbs.
        stride: Input pixels per cell.
        paf_geometry: How the targets were drawn that the network has learnt.
        options: Thresholds; the defaults if None.

    Returns:
        Poses in pixels of the network input, best first.

    Raises:
        ValueError: the fields do not belong to this skeleton.
    """
    options = options or DecodeOptions()
    expected = ((skeleton.heatmap_channels, *pafs.shape[1:]), skeleton.paf_channels)
    if (heatmaps.shape, pafs.shape[0]) != expected:
        raise ValueError(
            f"skeleton {skeleton.name!r} needs {skeleton.heatmap_channels} heatmaps and {skeleton.paf_channels} pafs "
            f"of one size, got {heatmaps.shape} and {pafs.shape}"
        )
    heatmaps = np.ascontiguousarray(heatmaps[:-1], np.float32)
    peaks = refine_peaks(find_peaks(heatmaps, options), heatmaps)
    offset = paf_offset(stride, paf_geometry)
    candidates = score_limbs(peaks, pafs, skeleton, options, paf_offset=offset)
    connections = match_limbs(candidates, len(peaks))
    people = assemble(connections, peaks, skeleton, options)
    found = people.members >= 0
    keypoints = np.full((*found.shape, 2), np.nan, np.float32)
    scores = np.zeros(found.shape, np.float32)
    chosen = people.members[found]
    keypoints[found] = rescale(peaks.xy[chosen], stride)
    scores[found] = np.clip(peaks.score[chosen], 0, 1)
    return Poses(skeleton, keypoints, scores, people.score)
