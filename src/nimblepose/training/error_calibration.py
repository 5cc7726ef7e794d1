"""Errors of keypoints put right by pictures that the network has not learnt from, as results show people in them."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.errors import DataError, ModelError
from nimblepose.core.keypoint_errors import SIZE_TERMS, KeypointErrors, clip_size, measure_size
from nimblepose.core.oks import compute_oks
from nimblepose.core.poses import Poses
from nimblepose.core.reduction import enlarge
from nimblepose.data.coco import Record
from nimblepose.data.sets import read_annotated
from nimblepose.evaluation.coco import select_oks_sigmas
from nimblepose.runtime.estimator import PoseEstimator
from nimblepose.training.keypoint_errors import FEWEST, HOLD, LEAST, SAME, fit_quantiles

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Surprises:
    """P keypoints of results, and how far off they turned out to be over what was expected of them.

    Attributes:
        kinds: (P,) which keypoint of the skeleton.
        ratios: (P,) distances from their annotated places, in expected errors.
        seen: (P,) how large their people were seen, by `nimblepose.core.keypoint_errors.measure_size`.
        annotated: (P,) how large they are, logarithms of the roots of annotated areas in square pixels.
    """

    kinds: NDArray[np.intp]
    ratios: Floats
    seen: Floats
    annotated: Floats

    @classmethod
    def join(cls, parts: Sequence["Surprises"]) -> "Surprises":
        """All of them, in order; one part at least."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__annotations__))


def look_again(
    estimator: PoseEstimator,
    records: Sequence[Record],
    *,
    progress: Callable[[int, int], None] = lambda done, count: None,
) -> Surprises:
    """Find people in annotated pictures as anybody would, and compare how far off they are with what was expected.

    Args:
        estimator: A model that knows errors, and completes poses.
        records: One picture at least.
        progress: Told after each picture how many are done, and how many there are.

    Raises:
        ModelError: the model does not know errors.
        MediaError: a picture that cannot be read.
        DataError: a picture of another size than its annotations are for.
    """
    parts = []
    for done, record in enumerate(records, start=1):
        picture, _, reduction = read_annotated(record)
        parts.append(compare(enlarge(estimator(picture), reduction), record))
        progress(done, len(records))
    return Surprises.join(parts)


def compare(poses: Poses, record: Record) -> Surprises:
    """Results with what is annotated: a pose is that person's whom it resembles most, with an OKS of 0.5 and more.

    Args:
        poses: Completed, with errors.
        record: The picture.

    Raises:
        ModelError: there are no errors.
    """
    if poses.keypoint_errors is None:
        raise ModelError("the model does not know what keypoints are worth; see `nimblepose model poses`")
    annotated, sigmas = poses.skeleton.annotated_indices, np.array(select_oks_sigmas(poses.skeleton))
    likeness = compute_oks(poses.keypoints[:, annotated], record.xy[:, annotated], oks_sigmas=sigmas, area=record.areas)
    same = np.flatnonzero(likeness.max(axis=1, initial=0) >= SAME)
    if not len(same):
        return Surprises(np.zeros(0, np.intp), *np.zeros((3, 0)))
    person, errors = likeness[same].argmax(axis=1), poses.keypoint_errors[same].astype(np.float64)
    way = poses.keypoints[same].astype(np.float64) - record.xy[person]
    ratios = np.hypot(way[..., 0], way[..., 1]) / errors
    seen = measure_size(np.where(np.isnan(errors)[..., None], np.nan, poses.keypoints[same]))
    pose, kind = np.nonzero(~np.isnan(ratios))
    sizes = np.log(np.maximum(record.areas[person].astype(np.float64), 1)) / 2
    return Surprises(kind, ratios[pose, kind], seen[pose].astype(np.float64), sizes[pose])


def fit_calibration(errors: KeypointErrors, surprises: Surprises) -> KeypointErrors:
    """The errors of which 39 % of keypoints lie within one and 86 % within two, for every kind and size of people.

    As in `fit_errors` both quantiles are fitted, here by one number for each kind of keypoint and two for how large
    people are in the picture. Those two are fitted to annotated sizes, though results know only how large people are
    seen: where that is as often too large as too small, so are the corrections, and people who are really large or
    really small have the right ones in the mean. Everything stays as it was where labels are few.

    Args:
        errors: Before; a calibration that they have makes room for this one.
        surprises: Of results with `errors` without calibration.

    Raises:
        DataError: fewer than 50 keypoints.
    """
    if len(surprises.ratios) < FEWEST:
        raise DataError(
            f"{len(surprises.ratios)} keypoints of annotated people are too few to calibrate errors; take {FEWEST}"
        )
    count = len(errors.kinds)
    usual_size = float(np.median(surprises.seen - surprises.annotated))
    size = clip_size(surprises.annotated + usual_size)[:, None]
    each = np.zeros((len(surprises.kinds), count))
    each[np.arange(len(each)), surprises.kinds] = 1
    terms = np.concatenate([np.ones_like(size), each, size, size * size], axis=1)
    usual = np.zeros(1 + count + SIZE_TERMS)
    wanted = np.log(np.maximum(surprises.ratios, LEAST))
    weights = fit_quantiles(terms, wanted, usual, np.full(len(usual), HOLD))
    calibration = weights[1:].copy()
    calibration[:count] += weights[0]
    return dataclasses.replace(errors, calibration=calibration)
