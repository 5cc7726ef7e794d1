"""What limbs alone cannot tell, told by what poses look like: limbs that are too long, and parts of one person."""

import numpy as np
from numpy.typing import NDArray

from nimblepose.codec.limbs import Connections
from nimblepose.codec.peaks import Peaks
from nimblepose.core.prior import PosePrior
from nimblepose.core.skeleton import Skeleton

_TOO_LONG = 2.5  # times the length that fits the median limb of the pose, from which on a limb is none
_FAR_TOO_LONG = 6.0  # the same of the quartile of short limbs, where most of a pose is wrong
_ONE_PERSON = 1.0  # log of the ratio of likelihoods from which on two parts are joined
_OFF = 0.35  # diagonals of a whole pose, by which a part may be off its usual place
_LARGER = 4.0  # times: what one part says of the size of the whole against what the other says
_MOST_PAIRS = 12  # compared at a time, the likeliest: bounds the time that a crowd can take


def find_overlong(
    connections: Connections, pose_of: NDArray[np.intp], peaks: Peaks, skeleton: Skeleton, prior: PosePrior
) -> NDArray[np.bool_]:
    """Which connections are longer than any limb of a pose of that size, (C,).

    Each limb of a pose says how large the pose is: its length over that of the same limb in the prior. Too long is one
    that says `_TOO_LONG` times what the median says, or `_FAR_TOO_LONG` times what the quartile of short limbs says;
    between two limbs the shorter one is taken.

    Args:
        connections: C limbs; those whose ends are of two poses, or of none, are not looked at.
        pose_of: (P,) which pose each peak belongs to, -1 where none.
        peaks: P peaks.
        skeleton: Names the limbs.
        prior: What poses look like.
    """
    overlong = np.zeros(len(connections), bool)
    ends = pose_of[connections.start], pose_of[connections.end]
    inner = np.flatnonzero(ends[0] == ends[1])
    if not len(inner):
        return overlong
    a, b = skeleton.limb_indices.T
    usual = np.maximum(prior.distances[a, b], 1e-3)
    step = peaks.xy[connections.start[inner]] - peaks.xy[connections.end[inner]]
    size = np.sqrt((step * step).sum(axis=1)) / usual[connections.limb[inner]]
    pose = ends[0][inner]
    ordered = size[np.lexsort((size, pose))]
    count = np.bincount(pose)
    first, last = np.cumsum(count) - count, np.maximum(count - 1, 0)
    half, quarter = (ordered[np.minimum(first + last // part, len(ordered) - 1)] for part in (2, 4))
    overlong[inner] = size > np.minimum(_TOO_LONG * half, _FAR_TOO_LONG * quarter)[pose]
    return overlong


def find_parts(xy: NDArray[np.float32], skeleton: Skeleton, prior: PosePrior) -> NDArray[np.intp]:
    """Poses that are parts of one person because they fit each other: of each the index of the first part, (N,).

    Of somebody of whom only the legs are in the picture both are found, and nothing between them: limbs lead through
    the neck. Two poses are parts of one if they have no kind of keypoint in common, if no limb of the skeleton leads
    from one to the other (where one does, the network has been asked, and has said no), if one is about where the
    other lets expect it, and if the prior finds them likelier as one. The likeliest go first.

    Args:
        xy: (N, K, 2), NaN where not found; rows of nothing else are nobody.
        skeleton: Names K keypoints and the limbs.
        prior: What poses look like.
    """
    first = np.arange(len(xy))
    new = np.ones(len(xy), bool)  # poses whose pairs have not been looked at
    while len(pairs := _list_pairs(xy, new, skeleton, prior)):
        fits = prior.compare(xy[pairs[:, 0]], xy[pairs[:, 1]])
        taken, new, xy = np.zeros(len(xy), bool), np.zeros(len(xy), bool), xy.copy()
        for pair in np.argsort(-fits, kind="stable")[: int((fits > _ONE_PERSON).sum())]:
            i, j = pairs[pair]
            if not (taken[i] or taken[j]):
                taken[[i, j]] = new[i] = True
                first[first == j] = i
                xy[i], xy[j] = np.where(np.isnan(xy[i]), xy[j], xy[i]), np.nan
    return first


def _list_pairs(
    xy: NDArray[np.float32], new: NDArray[np.bool_], skeleton: Skeleton, prior: PosePrior
) -> NDArray[np.intp]:
    """Pairs of poses (N, K, 2) that no limb could join, about where they should be, (M, 2).

    Where: the way from the middle of one to that of the other, in sizes of the larger one, against that of the mean pose.
    At least one of each pair is `new`, (N,).
    """
    none = np.zeros((0, 2), np.intp)
    if len(xy) < 2 or not new.any():
        return none
    found = ~np.isnan(xy[..., 0])
    has = found.astype(np.float32)
    apart = has @ skeleton.relations @ has.T == 0
    there = found.any(axis=1)
    apart &= np.triu(new[:, None] | new, 1) & there[:, None] & there
    i, j = np.nonzero(apart)
    if not len(i):
        return none
    middle, size = _measure_parts(xy)
    usual, usual_size = _measure_parts(np.where(found[..., None], prior.mean, np.nan))
    size = size / np.maximum(usual_size, 1e-3)
    larger, smaller = np.maximum(size[i], size[j]), np.minimum(size[i], size[j])
    off = np.linalg.norm((middle[j] - middle[i]) / np.maximum(larger, 1e-3)[:, None] - (usual[j] - usual[i]), axis=1)
    likely = np.flatnonzero((off < _OFF) & (larger < _LARGER * smaller))
    likely = likely[np.argsort(off[likely], kind="stable")[:_MOST_PAIRS]]
    return np.stack([i[likely], j[likely]], axis=1)


def _measure_parts(xy: NDArray[np.floating]) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Middle (N, 2) and diagonal (N,) of the boxes of poses (N, K, 2)."""
    low, high = np.fmin.reduce(xy, axis=1), np.fmax.reduce(xy, axis=1)
    return (low + high) / 2, np.linalg.norm(high - low, axis=1)
