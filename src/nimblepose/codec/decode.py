"""Fields to poses: the chain of the steps."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from nimblepose.codec.grouping import assemble, choose, match_limbs
from nimblepose.codec.heads import find_possible_heads
from nimblepose.codec.limbs import Connections, score_limbs
from nimblepose.codec.options import FOR_RANKING, DecodeOptions
from nimblepose.codec.peaks import Peaks, find_peaks, refine_peaks
from nimblepose.core.errors import SkeletonError
from nimblepose.core.geometry import rescale
from nimblepose.core.heads import move_heads
from nimblepose.core.keypoint_errors import KeypointErrors
from nimblepose.core.metadata import PafGeometry
from nimblepose.core.people import GroupedPeople
from nimblepose.core.poses import Poses
from nimblepose.core.prior import PosePrior
from nimblepose.core.scorer import PoseScorer
from nimblepose.core.skeleton import Skeleton

__all__ = ["FOR_RANKING", "DecodeOptions", "compute_paf_offset", "decode", "group_people"]


def compute_paf_offset(stride: int, geometry: PafGeometry) -> float:
    """Cells to the lower right at which the PAF of a place is found.

    A cell drawn from its corner, at `stride * cell`, lies (stride - 1) / 2 pixels before the centre it is taken for.
    """
    return (stride - 1) / (2 * stride) if geometry == "corner" else 0.0


def group_people(
    heatmaps: NDArray[np.float32],
    pafs: NDArray[np.float32],
    skeleton: Skeleton,
    options: DecodeOptions,
    *,
    paf_offset: float,
    prior: PosePrior | None = None,
) -> GroupedPeople:
    """Find everybody in the fields of one picture, surest limbs first; nobody is rated, left out or completed yet.

    Args:
        heatmaps: (K + 1, h, w), the last is background.
        pafs: (2L, h, w).
        skeleton: K keypoints and L limbs.
        options: Those of peaks and limbs, and `min_keypoints`, are used.
        paf_offset: From `compute_paf_offset`.
        prior: What poses look like; without it no limb is too long, and parts that no limb joins stay apart.

    Raises:
        SkeletonError: the fields do not belong to this skeleton.
    """
    peaks, connections = _connect(heatmaps, pafs, skeleton, options, paf_offset=paf_offset)
    return assemble(connections, peaks, skeleton, options, prior)


def _connect(
    heatmaps: NDArray[np.float32],
    pafs: NDArray[np.float32],
    skeleton: Skeleton,
    options: DecodeOptions,
    *,
    paf_offset: float,
) -> tuple[Peaks, Connections]:
    """Peaks of the fields of one picture, and the limbs that join them, the surest first."""
    expected = ((skeleton.heatmap_channels, *pafs.shape[1:]), skeleton.paf_channels)
    if (heatmaps.shape, pafs.shape[0]) != expected:
        raise SkeletonError(
            f"skeleton {skeleton.name!r} needs {skeleton.heatmap_channels} heatmaps and {skeleton.paf_channels} pafs "
            f"of one size, got {heatmaps.shape} and {pafs.shape}"
        )
    heatmaps = np.ascontiguousarray(heatmaps[:-1], np.float32)
    peaks = refine_peaks(find_peaks(heatmaps, options), heatmaps)
    candidates = score_limbs(peaks, pafs, skeleton, options, paf_offset=paf_offset)
    return peaks, match_limbs(candidates, len(peaks))


def decode(
    heatmaps: NDArray[np.float32],
    pafs: NDArray[np.float32],
    skeleton: Skeleton,
    *,
    stride: int = 8,
    paf_geometry: PafGeometry = "corner",
    options: DecodeOptions | None = None,
    prior: PosePrior | None = None,
    scorer: PoseScorer | None = None,
    errors: KeypointErrors | None = None,
) -> Poses:
    """Find everybody in the fields of one picture.

    Args:
        heatmaps: (K + 1, h, w), the last is background.
        pafs: (2L, h, w).
        skeleton: K keypoints and L limbs.
        stride: Input pixels per cell.
        paf_geometry: How the targets were drawn that the network has learnt.
        options: Thresholds; the defaults if None.
        prior: What poses look like; without it none is completed, cut or put together (`nimblepose.codec.mending`).
        scorer: What poses are worth; None: they score as their limbs do.
        errors: What keypoints are worth; None: nobody says how far they are off.

    Returns:
        Poses in pixels of the network input, best first.

    Raises:
        SkeletonError: the fields do not belong to this skeleton.
    """
    options = options or DecodeOptions()
    offset = compute_paf_offset(stride, paf_geometry)
    peaks, connections = _connect(heatmaps, pafs, skeleton, options, paf_offset=offset)
    people = assemble(connections, peaks, skeleton, options, prior)
    heads = None
    if options.find_heads:  # of those, too, who are too few keypoints to be results
        everybody = assemble(connections, peaks, skeleton, dataclasses.replace(options, min_keypoints=1))
        heads = find_possible_heads(everybody, heatmaps[:-1], skeleton)
        heads = move_heads(heads, lambda xy: rescale(xy, stride), stride)
    scores = scorer(people) if scorer else people.limb_scores
    off = None if errors is None else errors(people) * np.float32(stride)  # of everybody: the scorer has measured them
    best = choose(scores, options)
    people = people[best]
    xy = prior.complete(people.keypoints) if options.complete and prior else people.keypoints
    keypoints = rescale(xy, stride).astype(np.float32)
    off = None if off is None else off[best]
    return Poses(skeleton, keypoints, people.peak_heights, scores[best], heads=heads, keypoint_errors=off)
