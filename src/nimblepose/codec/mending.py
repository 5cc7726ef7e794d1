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
_NEAR = 1.0  # diagonals of the larger part's box, by which the boxes of two parts may be apart
_MOST_PAIRS = 100  # compared in one picture, the nearest: bounds the time that a picture of noise can take


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
    pose = pose_of[connections.start]
    inner = np.flatnonzero((pose >= 0) & (pose == pose_of[connections.end]))
    if not len(inner):
        return overlong
    step = peaks.xy[connections.start[inner]] - peaks.xy[connections.end[inner]]
    a, b = skeleton.limb_indices[connections.limb[inner]].T
    size = np.sqrt((step * step).sum(axis=1)) / np.maximum(prior.distances[a, b], 1e-3)
    pose = pose[inner]
    order = np.lexsort((size, pose))
    count = np.bincount(pose)
    first, last, ordered = np.cumsum(count) - count, np.maximum(count - 1, 0), size[order]
    half, quarter = (ordered[np.minimum(first + last // part, len(order) - 1)] for part in (2, 4))
    overlong[inner] = size > np.minimum(_TOO_LONG * half, _FAR_TOO_LONG * quarter)[pose]
    return overlong


def join_parts(
    pose_of: NDArray[np.intp], peaks: Peaks, skeleton: Skeleton, prior: PosePrior
) -> NDArray[np.intp]:
    """Which pose each peak belongs to, (P,), once parts that no limb can join are joined where they fit each other.

    Of somebody of whom only the legs are in the picture both are found, and nothing between them: limbs lead through
    the neck. Two poses are parts of one if they have no kind of keypoint in common, if no limb of the skeleton leads
    from one to the other (where one does, the network has been asked, and has said no), if they are near, and if the
    prior finds them likelier as one. The likeliest go first.

    Args:
        pose_of: (P,) from `connect`, -1 where none.
        peaks: P peaks.
        skeleton: Names K keypoints and the limbs.
        prior: What poses look like.
    """
    while len(pairs := _list_pairs(parts := _tabulate(pose_of, peaks, len(skeleton.keypoints)), skeleton)):
        fits = np.array([prior.compare(parts[i], parts[j]) for i, j in pairs])
        into = np.arange(len(parts))
        taken: set[int] = set()
        for pair in np.argsort(-fits, kind="stable")[: int((fits > _ONE_PERSON).sum())]:
            i, j = pairs[pair].tolist()
            if not taken & {i, j}:
                taken |= {i, j}
                into[j] = i
        if not taken:
            break
        pose_of = np.where(pose_of >= 0, into[pose_of], -1)
    return pose_of


def _tabulate(pose_of: NDArray[np.intp], peaks: Peaks, keypoints: int) -> NDArray[np.float32]:
    """Poses as an array (N, K, 2), NaN where not found; poses that were merged into others are all NaN."""
    table = np.full((int(pose_of.max(initial=-1)) + 1, keypoints, 2), np.nan, np.float32)
    some = np.flatnonzero(pose_of >= 0)
    table[pose_of[some], peaks.kind[some]] = peaks.xy[some]
    return table


def _list_pairs(parts: NDArray[np.float32], skeleton: Skeleton) -> NDArray[np.intp]:
    """Pairs of parts (N, K, 2) that no limb could join and that are near each other, (M, 2), the nearest first."""
    found = ~np.isnan(parts[..., 0])
    related = np.eye(found.shape[1], dtype=np.float32)
    a, b = skeleton.limb_indices.T
    related[a, b] = related[b, a] = 1
    some = np.flatnonzero(found.any(axis=1))
    has = found[some].astype(np.float32)
    i, j = np.nonzero(np.triu(has @ related @ has.T == 0, 1))
    if not len(i):
        return np.zeros((0, 2), np.intp)
    low, high = np.nanmin(parts[some], axis=1), np.nanmax(parts[some], axis=1)
    size = np.linalg.norm(high - low, axis=1)
    gap = np.linalg.norm(np.maximum(np.maximum(low[i] - high[j], low[j] - high[i]), 0), axis=1)
    share = gap / np.maximum(np.maximum(size[i], size[j]), 1e-3)
    nearest = np.argsort(share, kind="stable")[:_MOST_PAIRS]
    nearest = nearest[share[nearest] <= _NEAR]
    return some[np.stack([i[nearest], j[nearest]], axis=1)]
