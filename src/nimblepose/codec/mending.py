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
_LEAST = np.float32(1e-3)  # sizes; parts of one keypoint have none
_MOST_PAIRS = 12  # compared at a time, the likeliest: bounds the time that a crowd can take


def measure_limbs(connections: Connections, peaks: Peaks, skeleton: Skeleton, prior: PosePrior) -> NDArray[np.floating]:
    """How large a pose each limb speaks for, (C,): its length in cells over that of the same limb in the prior."""
    way = peaks.xy.take(connections.start, axis=0) - peaks.xy.take(connections.end, axis=0)
    usual = prior.distances.take(skeleton.limb_places.take(connections.limb))
    return np.asarray(np.hypot(way[:, 0], way[:, 1]) / usual)


def find_overlong(size: NDArray[np.floating], pose: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which limbs are longer than any limb of a pose of that size, (C,).

    Too long is one that says `_TOO_LONG` times what the median of its pose says, or `_FAR_TOO_LONG` times what the
    quartile of short limbs says; between two limbs the shorter one is taken.

    Args:
        size: (C,) from `measure_limbs`.
        pose: (C,) that each belongs to.
    """
    if not len(size) or np.maximum.reduce(size) <= _TOO_LONG * np.minimum.reduce(size):
        return np.zeros(len(size), bool)
    ordered = size.take(np.lexsort((size, pose)))
    last = np.bincount(pose) - 1  # of each pose's limbs, from its first
    first = np.add.accumulate(last + 1) - last - 1
    middle, quartile = ordered.take(first + last // 2), ordered.take(first + last // 4)
    return np.asarray(size > np.minimum(_TOO_LONG * middle, _FAR_TOO_LONG * quartile).take(pose))


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
    has = (xy[..., 0] == xy[..., 0]).astype(np.float32)  # NaN is not itself
    apart = has @ skeleton.relations @ has.T == 0
    some = np.logical_or.reduce(apart, axis=1).nonzero()[0]
    if not len(some):
        return first
    xy, apart = xy.take(some, axis=0), apart[some[:, None], some]
    new = np.arange(len(some))  # poses whose pairs have not been looked at
    while apart[new].any() and len(pairs := _choose_pairs(xy, apart, new, prior)):
        fits = prior.compare(xy[pairs[:, 0]], xy[pairs[:, 1]])
        joined: dict[int, int] = {}
        for one, other in pairs[np.argsort(-fits, kind="stable")[: np.count_nonzero(fits > _ONE_PERSON)]].tolist():
            if not {one, other} & {*joined, *joined.values()}:
                joined[one] = other
        new, others = np.array(sorted(joined.items()), np.intp).reshape(-1, 2).T
        for one, other in joined.items():
            first[first == some[other]] = some[one]
        xy[new], xy[others] = np.where(np.isnan(xy[new]), xy[others], xy[new]), np.nan
        apart[new] &= apart[others]  # what a limb could join to either, it could to both
        apart[:, new] &= apart[:, others]
        apart[others] = apart[:, others] = False
    return first


def _choose_pairs(
    xy: NDArray[np.float32], apart: NDArray[np.bool_], new: NDArray[np.intp], prior: PosePrior
) -> NDArray[np.intp]:
    """Pairs of poses (N, K, 2) that are about where they should be, (M, 2), the lower index first.

    Where: the way from the middle of one to that of the other, in sizes of the larger one, against that of the mean
    pose. They are looked at as matrices until few are left.

    Args:
        xy: (N, K, 2).
        apart: (N, N) which pairs no limb could join.
        new: (R,) at least one of each pair is of these.
        prior: What poses look like.
    """
    usual = np.where(np.isnan(xy), xy, prior.mean.astype(np.float32))
    (middle, usual_middle), (extent, usual_extent) = _measure_parts(np.stack([xy, usual]))
    way = middle[:, None] - middle[:, new, None]
    way *= way
    reach = extent + extent[new, None]
    reach *= reach
    near = way[0] + way[1] < np.float32(_NEAR * _NEAR) * reach  # never of nobody, who is nowhere
    near &= apart[new]
    rows, j = np.divmod(np.flatnonzero(near), len(xy))
    if not len(j):
        return np.zeros((0, 2), np.intp)
    i, is_new = new.take(rows), np.zeros(len(xy), bool)
    is_new[new] = True
    size = extent / np.maximum(usual_extent, _LEAST)
    size_i, size_j = size.take(i), size.take(j)
    larger = np.maximum(size_i, size_j)
    off = (middle[:, j] - middle[:, i]) / np.maximum(larger, _LEAST) - (usual_middle[:, j] - usual_middle[:, i])
    off = np.hypot(off[0], off[1])
    once = (i < j) | ~is_new.take(j)
    likely = np.flatnonzero((off < _OFF) & (larger < _LARGER * np.minimum(size_i, size_j)) & once)
    likely = likely[np.argsort(off[likely], kind="stable")[:_MOST_PAIRS]]
    return np.sort(np.array([i[likely], j[likely]]).T, axis=1)


def _measure_parts(xy: NDArray[np.floating]) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Middles (S, 2, N) and diagonals (S, N) of the boxes of poses (S, N, K, 2)."""
    columns = np.ascontiguousarray(xy.transpose(0, 2, 3, 1))  # numpy compares whole rows at a time
    low, high = np.fmin.reduce(columns, axis=1), np.fmax.reduce(columns, axis=1)
    extent = high - low
    return (low + high) / 2, np.hypot(extent[:, 0], extent[:, 1])
