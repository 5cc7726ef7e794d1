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
_NEAR = 1.2  # sums of the diagonals of two parts, by which their middles may be apart: two limbs alone are no body
_LARGER = 4.0  # times: what one part says of the size of the whole against what the other says
_MOST_PAIRS = 12  # compared at a time, the likeliest: bounds the time that a crowd can take


def find_overlong(
    connections: Connections, pose_of: NDArray[np.intp], peaks: Peaks, prior: PosePrior
) -> NDArray[np.bool_]:
    """Which connections are longer than any limb of a pose of that size, (C,).

    Each limb of a pose says how large the pose is: its length over that of the same limb in the prior. Too long is one
    that says `_TOO_LONG` times what the median says, or `_FAR_TOO_LONG` times what the quartile of short limbs says;
    between two limbs the shorter one is taken.

    Args:
        connections: C limbs; those whose ends are of two poses, or of none, are not looked at.
        pose_of: (P,) which pose each peak belongs to, -1 where none.
        peaks: P peaks.
        prior: What poses look like.
    """
    overlong = np.zeros(len(connections), bool)
    pose = pose_of[connections.start]
    inner = np.flatnonzero(pose == pose_of[connections.end])
    if not len(inner):
        return overlong
    start, end, pose = connections.start[inner], connections.end[inner], pose[inner]
    size = np.hypot(*(peaks.xy[start] - peaks.xy[end]).T) / prior.distances[peaks.kind[start], peaks.kind[end]]
    ordered = size[np.lexsort((size, pose))]
    last = np.bincount(pose) - 1  # of each pose's limbs, from its first
    first = np.cumsum(last + 1) - last - 1
    most = np.minimum(_TOO_LONG * ordered[first + last // 2], _FAR_TOO_LONG * ordered[first + last // 4])
    overlong[inner] = size > most[pose]
    return overlong


def may_have_parts(kinds: list[int], skeleton: Skeleton) -> bool:
    """Whether there are two poses that no limb could join: mostly there are none, and `find_parts` has nothing to do.

    Args:
        kinds: Of each pose its keypoints, as bits; 0: nobody.
        skeleton: Names the limbs.
    """
    bits = skeleton.relation_bits
    poses = [mask for mask in kinds if mask]
    for i, mask in enumerate(poses[:-1]):
        related = 0
        for kind, others in enumerate(bits):
            if mask >> kind & 1:
                related |= others
        if not all(related & other for other in poses[i + 1 :]):
            return True
    return False


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

    Where: the way from the middle of one to that of the other, in sizes of the larger one, against that of the mean
    pose. At least one of each pair is `new`, (N,).
    """
    found = ~np.isnan(xy[..., 0])
    somebody = found.any(axis=1)
    rows = np.flatnonzero(new & somebody)
    if not len(rows):
        return np.zeros((0, 2), np.intp)
    has = found.astype(np.float32)
    apart = has[rows] @ skeleton.relations @ has.T == 0
    apart &= somebody & ~(new & (np.arange(len(xy)) <= rows[:, None]))  # of two new ones once
    i, j = np.nonzero(apart)
    if not len(i):
        return np.zeros((0, 2), np.intp)
    i = rows[i]
    middle, extent = _measure_parts(xy)
    usual, usual_size = _measure_parts(np.where(found[..., None], prior.mean.astype(np.float32), np.float32(np.nan)))
    size = extent / np.maximum(usual_size, 1e-3)
    larger, smaller = np.maximum(size[i], size[j]), np.minimum(size[i], size[j])
    way = middle[j] - middle[i]
    off = np.abs(way / np.maximum(larger, 1e-3) - (usual[j] - usual[i]))
    near = np.abs(way) < _NEAR * (extent[i] + extent[j])
    likely = np.flatnonzero((off < _OFF) & (larger < _LARGER * smaller) & near)
    likely = likely[np.argsort(off[likely], kind="stable")[:_MOST_PAIRS]]
    pairs = np.stack([i[likely], j[likely]], axis=1)
    return np.sort(pairs, axis=1)


def _measure_parts(xy: NDArray[np.floating]) -> tuple[NDArray[np.complexfloating], NDArray[np.floating]]:
    """Middle (N,), as x + iy, and diagonal (N,) of the boxes of poses (N, K, 2)."""
    columns = np.ascontiguousarray(xy.transpose(1, 2, 0))  # numpy compares whole rows at a time
    low, high = np.fmin.reduce(columns, axis=0), np.fmax.reduce(columns, axis=0)
    (x, y), (width, height) = (low + high) / 2, high - low
    return x + 1j * y, np.hypot(width, height)
