"""How far a model's keypoints are off, learnt from those that it finds in annotated pictures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nimblepose.core.keypoint_errors import KIND_TERMS, SHARED_TERMS, KeypointErrors, measure_terms
from nimblepose.core.people import GroupedPeople

Floats = NDArray[np.float64]

# Of errors that are normally distributed along x and y alike, the shares within one and within two standard deviations.
SHARES = tuple(float(1 - np.exp(-n * n / 2)) for n in (1, 2))
SAME = 0.5  # OKS from which on a pose is of an annotated person
FEWEST = 50  # keypoints from which on something is learnt
_SOFT = 0.04  # logarithm of distances, over which the corner of the loss is rounded
_STEPS = 60  # of Newton, at most
_ENOUGH = 1e-9  # of the loss, that a step must gain
LEAST = 1e-3  # cells, or expected errors; what is exactly in its place is off by less than anybody can tell

# What the network of the package has shown: where labels are few the terms stay near these. A kind's own constant is
# the logarithm of its OKS sigma more.
_USUAL_KIND, _USUAL_SHARED = (2.5, 0.8, -0.25), (0.0, -1.4, -0.6, -0.3)
HOLD = 15.0  # how firmly, in keypoints or so


@dataclass(frozen=True, eq=False)
class Offsets:
    """P keypoints that a model found, and how far they turned out to be off.

    Attributes:
        kinds: (P,) which keypoint of the skeleton.
        own: (P, 3), see `nimblepose.core.keypoint_errors.measure_terms`.
        shared: (P, 4).
        distances: (P,) from their annotated places, in cells.
    """

    kinds: NDArray[np.intp]
    own: Floats
    shared: Floats
    distances: Floats

    @classmethod
    def empty(cls) -> "Offsets":
        """None at all."""
        return cls(np.zeros(0, np.intp), np.zeros((0, KIND_TERMS)), np.zeros((0, SHARED_TERMS)), np.zeros(0))

    @classmethod
    def join(cls, parts: Sequence["Offsets"]) -> "Offsets":
        """All of them, in order; one part at least."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__annotations__))


def measure_offsets(people: GroupedPeople, distances: Floats) -> Offsets:
    """The keypoints of N people that were found and are annotated.

    Args:
        people: As the model found them.
        distances: (N, K) cells from their annotated places; NaN where there is none.
    """
    own, shared = measure_terms(people)
    person, kind = np.nonzero(~np.isnan(distances) & ~np.isnan(people.keypoints[..., 0]))
    return Offsets(kind, own[person, kind], shared[person, kind], distances[person, kind])


def fit_errors(offsets: Offsets, oks_sigmas: ArrayLike) -> KeypointErrors | None:
    """The errors of which 39 % of keypoints lie within one and 86 % within two.

    Distances have long tails: limbs of neighbours, left taken for right, slips of those who annotate. So no normal
    distribution is fitted to them. The two quantiles are, as far as one number can be in both places: the sum of both
    pinball losses (Koenker and Bassett, Econometrica 1978) of the logarithm of distances is least, by Newton's method,
    its corners slightly rounded. That makes the shares right in the mean, of every kind of keypoint, and no distance
    counts more than another however far it is. Terms are held near what is usual, which counts where labels are few.

    Args:
        offsets: Keypoints of many pictures.
        oks_sigmas: (K,) of the skeleton: how far annotators differ from each other, kind by kind.

    Returns:
        None of fewer than 50 keypoints.
    """
    if len(offsets.distances) < FEWEST:
        return None
    sigmas = np.log(np.asarray(oks_sigmas, np.float64))
    count = len(sigmas)
    # shared by all kinds: those of `own`, and `shared`; then what each kind adds to its own
    each = np.zeros((len(offsets.kinds), count, KIND_TERMS))
    each[np.arange(len(each)), offsets.kinds] = offsets.own
    terms = np.concatenate([offsets.own, offsets.shared, each.reshape(len(each), -1)], axis=1)
    usual = np.concatenate([_USUAL_KIND, _USUAL_SHARED, np.zeros(count * KIND_TERMS)])
    hold = np.full(len(usual), HOLD)
    wanted = np.log(np.maximum(offsets.distances, LEAST)) - sigmas[offsets.kinds]
    weights = fit_quantiles(terms, wanted, usual, hold)
    common, shared, added = np.split(weights, [KIND_TERMS, KIND_TERMS + SHARED_TERMS])
    kinds = common + added.reshape(count, KIND_TERMS)
    kinds[:, 0] += sigmas
    return KeypointErrors(kinds, shared)


def fit_quantiles(terms: Floats, wanted: Floats, usual: Floats, hold: Floats) -> Floats:
    """Weights of terms, so that 39 % of what is wanted lies below their sum and 86 % below it and the logarithm of 2.

    Args:
        terms: (P, T).
        wanted: (P,) logarithms of distances.
        usual: (T,) weights where nothing says otherwise.
        hold: (T,) how firmly they stay there.

    Returns:
        (T,) of the least sum of both pinball losses.
    """
    weights, loss = usual, _compute_loss(terms, wanted, usual, usual, hold)
    for _ in range(_STEPS):
        slope, bend = _compute_slopes(wanted - terms @ weights)
        gradient = hold * (weights - usual) - terms.T @ slope
        step = np.linalg.solve((terms * bend[:, None]).T @ terms + np.diag(hold), gradient)
        share = 1.0
        while (new := _compute_loss(terms, wanted, weights - share * step, usual, hold)) > loss and share > 1e-6:
            share /= 2
        if not new < loss * (1 - _ENOUGH):
            break
        weights, loss = weights - share * step, new
    return weights


def _compute_loss(terms: Floats, wanted: Floats, weights: Floats, usual: Floats, hold: Floats) -> float:
    left = wanted - terms @ weights
    loss = 0.5 * float(hold @ (weights - usual) ** 2)
    for times, share in enumerate(SHARES, 1):
        over = left - np.log(times)
        loss += float((share * over + _SOFT * np.logaddexp(0, -over / _SOFT)).sum())
    return loss


def _compute_slopes(left: Floats) -> tuple[Floats, Floats]:
    """First and second derivative of the loss of each keypoint by what is left of its logarithm, (P,) each."""
    slope, bend = np.zeros_like(left), np.zeros_like(left)
    for times, share in enumerate(SHARES, 1):
        below = 1 / (1 + np.exp(np.clip((left - np.log(times)) / _SOFT, -50, 50)))
        slope += share - below
        bend += below * (1 - below) / _SOFT
    return slope, bend
