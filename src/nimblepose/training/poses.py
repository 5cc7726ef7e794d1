"""What a model learns when its weights are done: what poses look like, and what its own poses are worth."""

import dataclasses
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nimblepose.codec.decode import decode
from nimblepose.codec.options import FOR_RANKING
from nimblepose.core.errors import DataError, SkeletonError
from nimblepose.core.geometry import rescale
from nimblepose.core.oks import oks
from nimblepose.core.prior import PosePrior, frame
from nimblepose.core.scorer import PoseScorer, features
from nimblepose.core.skeleton import Skeleton
from nimblepose.data.coco import Record
from nimblepose.data.regions import paint_regions
from nimblepose.data.sets import read_annotated
from nimblepose.evaluation.coco import MAX_PEOPLE, oks_sigmas
from nimblepose.runtime.estimator import PoseEstimator

_FEWEST = 50  # people, and poses, from which on something is learnt and not copied
_ROUNDS = 12  # of expectation and maximisation; the AP of what follows does not change after half of them
_FLOOR = 1e-5  # least variance of a coordinate, so that no keypoint is thought to be nailed to another
_STRANGER = 0.1  # OKS below which a pose shows nobody who is labelled

Progress = Callable[[int], None]
"""Called after each picture with the number of those done."""


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
    middle, size = frame(whole)
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


@dataclass(frozen=True, eq=False)
class Rated:
    """P poses that a model found, and what they turned out to be worth.

    Attributes:
        features: (P, F), see `nimblepose.core.scorer.features`.
        oks: (P,), with the annotated person that the pose resembles most.
    """

    features: NDArray[np.float64]
    oks: NDArray[np.float64]


def rate_poses(
    estimator: PoseEstimator, records: Sequence[Record], prior: PosePrior, *, progress: Progress = lambda _: None
) -> Rated:
    """Find people in annotated pictures, and compare them with the labels as AP would, completed by the prior.

    Poses that resemble nobody count as worth nothing only where the labels would show somebody: not in pictures whose
    labels are partial, nor where somebody may be (crowds, people without keypoints).

    Args:
        estimator: The model, and the height that it sees pictures at.
        records: The pictures.
        prior: What completes poses.
        progress: Told after each picture.

    Raises:
        MediaError: a picture that cannot be read.
        DataError: a picture of another size than its annotations are for.
    """
    skeleton, spec = estimator.skeleton, estimator.metadata.input
    annotated, sigmas = skeleton.annotated_indices, oks_sigmas(skeleton)
    as_ranked = dataclasses.replace(FOR_RANKING, max_poses=MAX_PEOPLE)
    found: list[NDArray[np.float64]] = []
    worth: list[NDArray[np.float64]] = []
    for done, record in enumerate(records, start=1):
        picture = read_annotated(record)
        placement = estimator.place(picture)
        heatmaps, pafs = (field[0] for field in estimator.fields([picture], placement))
        geometry = estimator.metadata.paf_geometry
        poses = decode(heatmaps, pafs, skeleton, stride=spec.stride, paf_geometry=geometry, options=as_ranked)
        xy = placement.to_image(prior.complete(poses.keypoints))
        alike = oks(xy[:, annotated], record.xy[:, annotated], oks_sigmas=sigmas, area=record.areas)
        alike = alike.max(axis=1, initial=0)
        counts = alike >= _STRANGER
        if not record.partial:
            mask = paint_regions(record.ignore, record.size)
            x, y = np.clip(np.rint(xy.mean(axis=1)), 0, np.array(record.size[::-1]) - 1).astype(int).T
            counts |= ~mask[y, x]
        cells = rescale(poses.keypoints, 1 / spec.stride).astype(np.float32)
        found.append(features(poses.keypoint_scores, cells, poses.scores)[counts])
        worth.append(alike[counts])
        progress(done)
    return Rated(np.concatenate(found), np.concatenate(worth))


def fit_scorer(rated: Rated, *, units: int = 32, epochs: int = 60, seed: int = 0) -> PoseScorer:
    """The scorer that foretells OKS with the least squared error; the same poses and seed give the same one.

    Args:
        rated: Poses of many pictures.
        units: Of the hidden layer.
        epochs: Passes over all poses.
        seed: Of first weights, order and dropout.

    Raises:
        DataError: too few poses.
    """
    if len(rated.oks) < _FEWEST:
        raise DataError(f"{len(rated.oks)} poses are too few to learn what poses are worth; take {_FEWEST}")
    centre, spread = rated.features.mean(axis=0), rated.features.std(axis=0) + 1e-3
    given = torch.from_numpy((rated.features - centre) / spread).float()
    wanted = torch.from_numpy(rated.oks).float()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        hidden, output = nn.Linear(given.shape[1], units), nn.Linear(units, 1)
        network = nn.Sequential(hidden, nn.Tanh(), nn.Dropout(0.1), output, nn.Sigmoid(), nn.Flatten(0))
        optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=1e-2)
        for _ in range(epochs):
            for part in torch.split(torch.randperm(len(given)), 64):
                loss = ((network(given[part]) - wanted[part]) ** 2).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

    def numbers(tensor: Tensor) -> NDArray[np.float64]:
        return tensor.detach().double().numpy()

    return PoseScorer(
        centre=centre,
        spread=spread,
        hidden=numbers(hidden.weight).T,
        hidden_bias=numbers(hidden.bias),
        output=numbers(output.weight)[0],
        output_bias=numbers(output.bias),
    )
