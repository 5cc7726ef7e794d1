"""What a model's poses and keypoints are worth, learnt from those that it finds in annotated pictures."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nimblepose.codec.decode import compute_paf_offset, group_people
from nimblepose.codec.grouping import choose
from nimblepose.codec.options import FOR_RANKING
from nimblepose.core.errors import DataError
from nimblepose.core.geometry import rescale
from nimblepose.core.oks import compute_oks
from nimblepose.core.prior import PosePrior
from nimblepose.core.scorer import PoseScorer, measure_features
from nimblepose.data.coco import Record
from nimblepose.data.regions import paint_regions
from nimblepose.data.sets import read_annotated
from nimblepose.evaluation.coco import MAX_PEOPLE, select_oks_sigmas
from nimblepose.runtime.estimator import PoseEstimator
from nimblepose.runtime.looking import View
from nimblepose.training.keypoint_errors import SAME, Offsets, measure_offsets

_FEWEST = 50  # poses from which on something is learnt and not copied
_STRANGER = 0.1  # OKS below which a pose shows nobody who is labelled


@dataclass(frozen=True, eq=False)
class Rated:
    """P poses that a model found, and what they turned out to be worth.

    Attributes:
        features: (P, F), see `nimblepose.core.scorer.measure_features`.
        oks: (P,), with the annotated person that the pose resembles most.
        offsets: Of those keypoints of poses of annotated people that are annotated, too.
    """

    features: NDArray[np.float64]
    oks: NDArray[np.float64]
    offsets: Offsets = field(default_factory=Offsets.empty)


def rate_poses(
    estimator: PoseEstimator,
    records: Sequence[Record],
    prior: PosePrior,
    *,
    progress: Callable[[int], None] = lambda _: None,
) -> Rated:
    """Find people in annotated pictures, and compare them with the labels as AP would, completed by the prior.

    Each pass over a picture and each look at a part of it counts by itself: its poses compete with those of the others.

    Poses that resemble nobody count as worth nothing only where the labels would show somebody: not in pictures whose
    labels are partial, nor where somebody may be (crowds, people without keypoints).

    Args:
        estimator: The model, and how it looks at pictures.
        records: The pictures.
        prior: What completes poses.
        progress: Told after each picture how many are done.

    Raises:
        MediaError: a picture that cannot be read.
        DataError: a picture of another size than its annotations are for.
    """
    skeleton, spec = estimator.skeleton, estimator.metadata.input
    annotated, sigmas = skeleton.annotated_indices, select_oks_sigmas(skeleton)
    offset = compute_paf_offset(spec.stride, estimator.metadata.paf_geometry)
    as_ranked = dataclasses.replace(FOR_RANKING, max_poses=MAX_PEOPLE)
    found: list[NDArray[np.float64]] = []
    worth: list[NDArray[np.float64]] = []
    offsets = [Offsets.empty()]
    for done, record in enumerate(records, start=1):
        mask = None if record.partial else paint_regions(record.ignore, record.size)
        picture, _, reduction = read_annotated(record)
        for view in estimator.view(picture):
            people = group_people(view.heatmaps, view.pafs, skeleton, as_ranked, paf_offset=offset, prior=prior)
            people = people[choose(people.limb_scores, as_ranked)]
            xy = view.to_picture(rescale(prior.complete(people.keypoints), spec.stride))
            xy = rescale(xy, reduction)
            likeness = compute_oks(xy[:, annotated], record.xy[:, annotated], oks_sigmas=sigmas, area=record.areas)
            alike = likeness.max(axis=1, initial=0)
            same = np.flatnonzero(alike >= SAME)
            cell = reduction * measure_cell(view, spec.stride)
            way = xy[same] - record.xy[likeness[same].argmax(axis=1)] if len(same) else xy[same]
            offsets.append(measure_offsets(people[same], np.hypot(way[..., 0], way[..., 1]) / cell))
            judged = alike >= _STRANGER
            if mask is not None:
                x, y = np.clip(np.rint(xy.mean(axis=1)), 0, np.array(record.size[::-1]) - 1).astype(int).T
                judged |= ~mask[y, x]
            found.append(measure_features(people)[judged])
            worth.append(alike[judged])
        progress(done)
    return Rated(np.concatenate(found), np.concatenate(worth), Offsets.join(offsets))


def measure_cell(view: View, stride: int) -> float:
    """Pixels of the picture in a cell, in the geometric mean of both axes."""
    one, other = view.to_picture(np.array([[0.0, 0.0], [stride, stride]]))
    return float(np.sqrt(np.prod(other - one)))


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

    def to_numbers(tensor: Tensor) -> NDArray[np.float64]:
        return tensor.detach().double().numpy()

    return PoseScorer(
        centre=centre,
        spread=spread,
        hidden=to_numbers(hidden.weight).T,
        hidden_bias=to_numbers(hidden.bias),
        output=to_numbers(output.weight)[0],
        output_bias=to_numbers(output.bias),
    )
