"""What poses look like, learnt from people of whom usually only a part is labelled."""

from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.errors import DataError, SkeletonError
from nimblepose.core.prior import PosePrior, measure_frame
from nimblepose.core.skeleton import Skeleton

_FEWEST = 50  # people from which on something is learnt and not copied
_ROUNDS = 12  # of expectation and maximisation; the AP of what follows does not change after half of them
_FLOOR = 1e-5  # least variance of a coordinate, so that no keypoint is thought to be nailed to another


def learn_prior(people: NDArray[np.float32], skeleton: Skeleton) -> PosePrior:
    """The normal distribution of poses, from people of whom usually only a part is labelled.

    Expectation-maximisation with missing values (Dempster, Laird and Rubin 1977): fill in what is missing by what is
    known, take mean and covariance, repeat. People count as they are and mirrored, if the skeleton knows how.

    Args:
        people: (N, K, 2) in any unit, NaN where not labelled. Those with less than a third of the keypoints are
            left out.
        skeleton: Of the K keypoints.

    Raises:
        DataError: too few people, or a keypoint that nobody has.
    """
    count = len(skeleton.keypoints)
    least = min(count, max(3, count // 3))
    whole = people[(~np.isnan(people[..., 0])).sum(axis=1) >= least].astype(np.float64)
    if len(whole) < _FEWEST:
        raise DataError(f"{len(whole)} people with {least} keypoints or more are too few to learn from; take {_FEWEST}")
    middle, size = measure_frame(whole)
    own = (whole - middle) / size
    with suppress(SkeletonError):  # it has no mirror image
        own = np.concatenate([own, own[:, skeleton.flip_permutation] * [-1, 1]])
    rows = own.reshape(len(own), -1)
    known = ~np.isnan(rows)
    if absent := [name for name, seen in zip(skeleton.keypoints, known[:, ::2].any(axis=0), strict=True) if not seen]:
        raise DataError(f"nobody has the keypoints {absent} labelled, so there is nothing to learn about them")
    mean, covariance = np.nanmean(rows, axis=0), np.diag(np.nanvar(rows, axis=0) + _FLOOR)
    patterns, which = np.unique(known, axis=0, return_inverse=True)
    for _ in range(_ROUNDS):
        filled, unsure = rows.copy(), np.zeros_like(covariance)
        for number, seen in enumerate(patterns):
            same = np.flatnonzero(which == number)
            hidden = ~seen
            slope = np.linalg.solve(covariance[np.ix_(seen, seen)], covariance[np.ix_(seen, hidden)])
            filled[np.ix_(same, hidden)] = mean[hidden] + (rows[np.ix_(same, seen)] - mean[seen]) @ slope
            left = covariance[np.ix_(hidden, hidden)] - covariance[np.ix_(hidden, seen)] @ slope
            unsure[np.ix_(hidden, hidden)] += len(same) * left
        mean = filled.mean(axis=0)
        covariance = ((filled - mean).T @ (filled - mean) + unsure) / len(rows) + np.eye(len(mean)) * _FLOOR
        covariance = (covariance + covariance.T) / 2
    return PosePrior(mean.reshape(-1, 2), covariance)
