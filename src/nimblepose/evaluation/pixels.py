"""How far off keypoints are, in pixels: what goes on telling models apart where AP is 1, or 0.

AP and its OKS are relative to areas and sigmas, and keep every guess. Here only poses count that would be shown, each
labelled subject has at most one of them, and what was missed is said, not left out of a mean.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nimblepose.codec.options import DecodeOptions
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import Skeleton
from nimblepose.data.coco import Record
from nimblepose.runtime.estimator import PoseEstimator

PCK_SHARE = 0.1  # of a subject's size, within which a keypoint is right: PCK@0.1
_SAME = 1.0  # size of a subject, beyond which a pose lies too far off in the mean to be of it


@dataclass(frozen=True, eq=False)
class Judged:
    """N labelled subjects of one picture, A annotated keypoints, and what was found of them.

    Attributes:
        distances: (N, A) pixels of the picture between what was found and its label; NaN where one of them is not.
        labelled: (N, A) bool.
        exchanged: (N, A) bool, found where the label of its mirror partner is.
        sizes: (N,) pixels, longer side of the box around the labelled keypoints.
        found: (N,) bool, whom a pose was found of.
    """

    distances: NDArray[np.float64]
    labelled: NDArray[np.bool_]
    exchanged: NDArray[np.bool_]
    sizes: NDArray[np.float64]
    found: NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class ErrorFigures:
    """Of labelled keypoints; NaN where there is nothing to measure by.

    Attributes:
        labelled: How many they are.
        mean: Pixels of the picture, over those found; so are `median` and `rmse`, the root of the mean square.
        pck: Share of the labelled that were found within a tenth of the subject's size, its box's longer side.
        missed: Share of the labelled that were not found.
        exchanged: Share of those found, of mirror pairs, that lie where their partner should.
        relative: Mean distance in sizes of the subject, at most 1, and 1 where missed: one number that gets better when
            keypoints are found, and when they are found more exactly.
    """

    labelled: int
    mean: float
    median: float
    rmse: float
    pck: float
    missed: float
    exchanged: float
    relative: float

    def to_dict(self) -> dict[str, float | int | None]:
        """Plain data for JSON; None for NaN, which JSON lacks."""
        return {key: None if math.isnan(value) else value for key, value in dataclasses.asdict(self).items()}


COLUMNS = {
    "mean": "pixel_error",
    "median": "pixel_median",
    "rmse": "pixel_rmse",
    "relative": "relative_error",
    "pck": "pck",
    "missed": "missed",
    "exchanged": "exchanged",
}
"""Figures over all keypoints, and what logs of training call them."""


@dataclass(frozen=True, kw_only=True)
class PixelFigures:
    """Of all pictures of a set: of all keypoints, and of each."""

    overall: ErrorFigures
    keypoints: Mapping[str, ErrorFigures]
    subjects: int
    subjects_missed: int

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "overall": self.overall.to_dict(),
            "keypoints": {name: figures.to_dict() for name, figures in self.keypoints.items()},
            "subjects": self.subjects,
            "subjects_missed": self.subjects_missed,
        }


def find_shown_score(estimator: PoseEstimator) -> float:
    """Score from which on a pose is shown if nobody asks for another, whatever the estimator's own options are."""
    return DecodeOptions().least_score if estimator.quality is None else estimator.quality.min_pose_score


def judge(poses: Poses, record: Record, *, min_score: float) -> Judged:
    """Compare what was found in a picture with its labels.

    Poses take the subject that they are nearest to in the mean, the best pose first, each a free one; those further off
    than the subject is large take none.

    Args:
        poses: In pixels of the picture; what completion put in place counts as not found.
        record: The labels.
        min_score: Poses below it would not be shown and do not count.
    """
    columns = record.skeleton.annotated_indices
    label = record.xy[:, columns].astype(np.float64)
    shown = poses[poses.scores >= min_score]
    given = np.where(shown.seen[..., None], shown.keypoints, np.nan)[:, columns].astype(np.float64)
    sizes = _measure_sizes(label, record.boxes)
    apart = np.linalg.norm(given[:, None] - label[None], axis=-1)  # (P, N, A)
    shared = ~np.isnan(apart)
    mean = np.nansum(apart, axis=-1) / np.where(shared.any(-1), shared.sum(-1), np.nan) / sizes
    of = np.full(len(label), -1)
    for pose, row in enumerate(mean):
        free = np.where((of < 0) & (row <= _SAME), row, np.inf)
        if len(free) and free.min() < np.inf:
            of[free.argmin()] = pose
    matched = np.full(label.shape, np.nan)
    matched[of >= 0] = given[of[of >= 0]]
    return Judged(
        distances=np.linalg.norm(matched - label, axis=-1),
        labelled=~np.isnan(label[..., 0]),
        exchanged=_find_exchanged(matched, label, record.skeleton),
        sizes=sizes,
        found=of >= 0,
    )


def summarise(judged: Sequence[Judged], skeleton: Skeleton) -> PixelFigures:
    """Figures over all pictures; a keypoint of one subject counts as much as one of another."""
    names = skeleton.annotated
    count = len(names)
    distances = np.concatenate([np.zeros((0, count)), *(one.distances for one in judged)])
    labelled = np.concatenate([np.zeros((0, count), bool), *(one.labelled for one in judged)])
    exchanged = np.concatenate([np.zeros((0, count), bool), *(one.exchanged for one in judged)])
    sizes = np.concatenate([np.zeros(0), *(one.sizes for one in judged)])
    found = np.concatenate([np.zeros(0, bool), *(one.found for one in judged)])
    partners = _list_partners(skeleton)
    paired = np.broadcast_to(partners >= 0, labelled.shape)
    both = paired & labelled & labelled[:, partners]  # of a single one nobody knows where its partner is
    spread = np.broadcast_to(sizes[:, None], labelled.shape)
    figures = [
        _measure(distances[:, k], labelled[:, k], exchanged[:, k], both[:, k], spread[:, k])
        for k in [slice(None), *range(count)]
    ]
    return PixelFigures(
        overall=figures[0],
        keypoints=dict(zip(names, figures[1:], strict=True)),
        subjects=len(found),
        subjects_missed=int((~found).sum()),
    )


def _measure(
    distances: NDArray[np.float64],
    labelled: NDArray[np.bool_],
    exchanged: NDArray[np.bool_],
    paired: NDArray[np.bool_],
    sizes: NDArray[np.float64],
) -> ErrorFigures:
    """Of some keypoints, arrays of one shape."""
    seen = labelled & ~np.isnan(distances)
    off, total = distances[seen], int(labelled.sum())
    relative = np.where(seen, np.minimum(np.nan_to_num(distances) / sizes, 1), 1.0)[labelled]
    pairs = seen & paired
    return ErrorFigures(
        labelled=total,
        mean=float(off.mean()) if len(off) else math.nan,
        median=float(np.median(off)) if len(off) else math.nan,
        rmse=float(np.sqrt((off**2).mean())) if len(off) else math.nan,
        pck=float((distances[seen] <= PCK_SHARE * sizes[seen]).sum() / total) if total else math.nan,
        missed=1 - len(off) / total if total else math.nan,
        exchanged=float(exchanged[pairs].mean()) if pairs.any() else math.nan,
        relative=float(relative.mean()) if total else math.nan,
    )


def _measure_sizes(label: NDArray[np.float64], boxes: NDArray[np.float32]) -> NDArray[np.float64]:
    """(N,) longer sides of the boxes around labels (N, A, 2); of a single keypoint that of the annotated box."""
    if not len(label):
        return np.zeros(0)
    sides = (np.nanmax(label, axis=1) - np.nanmin(label, axis=1)).max(axis=-1)
    return np.asarray(np.maximum(np.where(sides > 0, sides, boxes[:, 2:].max(axis=-1)), 1.0), np.float64)


def _list_partners(skeleton: Skeleton) -> NDArray[np.intp]:
    """(A,) index of each annotated keypoint's mirror partner among the annotated; -1 where it has none."""
    order = {name: i for i, name in enumerate(skeleton.annotated)}
    partners = np.full(len(order), -1)
    for a, b in skeleton.mirror_pairs:
        if a in order and b in order:
            partners[order[a]], partners[order[b]] = order[b], order[a]
    return partners


def _find_exchanged(found: NDArray[np.float64], label: NDArray[np.float64], skeleton: Skeleton) -> NDArray[np.bool_]:
    """(N, A) where found keypoints, (N, A, 2), would lie nearer to the labels if the two of their pair changed names.

    Of a pair of which one was found, where that lies nearer to the other's label.
    """
    partners = _list_partners(skeleton)
    own = np.linalg.norm(found - label, axis=-1)
    other = np.linalg.norm(found - label[:, partners], axis=-1)
    known = ~np.isnan(own) & ~np.isnan(other)
    gain = np.where(known, own - other, 0.0)
    return np.asarray((gain + gain[:, partners] > 0) & known & (partners >= 0))
