"""Wherever a head may be, to be covered: around whoever is found, however weakly, and around peaks without anybody."""

import numpy as np
from numpy.typing import NDArray

from nimblepose.codec.options import DecodeOptions
from nimblepose.codec.peaks import find_peaks, refine_peaks
from nimblepose.core.heads import Heads, find_heads, list_head_keypoints
from nimblepose.core.people import GroupedPeople
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import Skeleton

_MIN_PEAK_SCORE = 0.01  # heatmap value of a keypoint of the head; few faces have less, and few other things as much
_MAX_PEAKS = 200  # of one kind, the highest: bounds the time that noise can take
_LEAST_RADIUS = 2.5  # cells; what has but one peak is a small face, or half a large one


def find_possible_heads(people: GroupedPeople, heatmaps: NDArray[np.float32], skeleton: Skeleton) -> Heads:
    """Ellipses in cells, (M, 5), with the scores of people or the heights of peaks.

    `benchmarks/face_study.py` says which share of faces they leave out, and how much else they cover.

    Args:
        people: Everybody found, whatever they are worth, in cells.
        heatmaps: (K, h, w), one per keypoint, without background.
        skeleton: The keypoints; of one without a head (by the names) only people give any.
    """
    heads = find_heads(
        Poses(skeleton, people.keypoints, people.peak_heights, people.limb_scores), least_radius=_LEAST_RADIUS
    )
    on_head = np.ascontiguousarray(heatmaps[list_head_keypoints(skeleton)], np.float32)
    if not len(on_head):
        return heads
    options = DecodeOptions(min_peak_score=_MIN_PEAK_SCORE, max_peaks=_MAX_PEAKS)
    peaks = refine_peaks(find_peaks(on_head, options), on_head)
    radius = np.full(len(peaks), _LEAST_RADIUS, np.float32)
    alone = np.column_stack([peaks.xy, radius, radius, np.clip(peaks.score, 0, 1)])
    return np.concatenate([heads, alone[~_lie_within(alone, heads)]])


def _lie_within(small: Heads, large: Heads) -> NDArray[np.bool_]:
    """Which circles lie in one of the others as a whole, (len(small),)."""
    apart = np.linalg.norm(small[:, None, :2] - large[None, :, :2], axis=2)
    return np.asarray((apart + small[:, None, 2] <= large[None, :, 2]).any(axis=1))
