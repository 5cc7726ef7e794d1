"""At which size a model sees people best, measured by looking at annotated people in several sizes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nimblepose.codec.decode import compute_paf_offset, group_people
from nimblepose.codec.options import FOR_RANKING
from nimblepose.core.geometry import rescale
from nimblepose.core.oks import compute_oks
from nimblepose.core.prior import PosePrior
from nimblepose.data.coco import Record
from nimblepose.data.sets import read_annotated
from nimblepose.evaluation.coco import select_oks_sigmas
from nimblepose.looks.canvas import build_canvas
from nimblepose.looks.framing import Frames
from nimblepose.looks.options import LookOptions
from nimblepose.looks.places import bound
from nimblepose.runtime.estimator import PoseEstimator

SIZES = (64.0, 90.0, 128.0, 181.0, 256.0, 362.0)  # input pixels of the diagonal
_LARGEST = 2.0  # times a person may be enlarged for a look: what was never in the picture cannot be seen
_WHOLE = 2 / 3  # of the keypoints, that must be labelled: the box of fewer is not that of the person
_FEWEST = 20  # people from which on a mean says something
_ENOUGH = 0.985  # of the best mean OKS: larger costs more than it gives. With it `human` has 160 (docs/looks.md)


@dataclass(frozen=True, eq=False)
class SizeStudy:
    """What a model makes of the same people in several sizes.

    Attributes:
        oks: (N, S) of the pose that resembles each of N people most, in each of `SIZES`.
    """

    oks: NDArray[np.float64]

    @property
    def best_size(self) -> float | None:
        """Input pixels: the least size at which people are seen nearly as well as at any; None of too few people."""
        return choose_size(SIZES, self.oks.mean(axis=0)) if len(self.oks) >= _FEWEST else None


def choose_size(sizes: Sequence[float], means: NDArray[np.floating]) -> float:
    """The least size whose mean OKS is 0.985 of the best one, linear in the logarithm of sizes between those measured.

    Args:
        sizes: (S,) rising.
        means: (S,) mean OKS at each.
    """
    enough = _ENOUGH * means.max()
    first = int((means >= enough).argmax())
    if not first:
        return float(sizes[0])
    share = (enough - means[first - 1]) / (means[first] - means[first - 1])
    low, high = np.log(sizes[first - 1]), np.log(sizes[first])
    return float(np.exp(low + share * (high - low)))


def study_sizes(
    estimator: PoseEstimator,
    records: Sequence[Record],
    prior: PosePrior,
    *,
    most: int = 150,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, count: None,
) -> SizeStudy:
    """Look at annotated people in several sizes, whatever room the picture leaves around them.

    Only people with most keypoints labelled count, and who are enlarged by no more than twice in the largest size.

    Args:
        estimator: The model.
        records: Annotated pictures.
        prior: What completes poses before they are compared.
        most: People to look at.
        seed: Of the choice of them.
        progress: Told after each person how many are done, and of how many.

    Raises:
        MediaError: a picture that cannot be read.
        DataError: a picture of another size than its annotations are for.
    """
    chosen = _choose_people(records, most, np.random.default_rng(seed))
    count = sum(len(people) for _, people in chosen)
    rows: list[list[float]] = []
    for record, people in chosen:
        picture, _, reduction = read_annotated(record)
        for person in people:
            rows.append(_look_at(estimator, picture, record, person, reduction, prior))
            progress(len(rows), count)
    return SizeStudy(np.array(rows, np.float64).reshape(-1, len(SIZES)))


def _choose_people(records: Sequence[Record], most: int, rng: np.random.Generator) -> list[tuple[Record, list[int]]]:
    """Pictures and the people of them, up to so many in all, in the order of the pictures."""
    found = [(index, person) for index, record in enumerate(records) for person in _list_large(record)]
    kept = sorted(rng.permutation(len(found))[:most].tolist())
    by_picture: dict[int, list[int]] = {}
    for index, person in (found[k] for k in kept):
        by_picture.setdefault(index, []).append(person)
    return [(records[index], people) for index, people in by_picture.items()]


def _list_large(record: Record) -> list[int]:
    if not len(record.xy):
        return []
    xy = record.xy[:, record.skeleton.annotated_indices]
    boxes = bound(xy)
    sizes = np.hypot(*(boxes[:, 2:] - boxes[:, :2]).T)
    labelled = (~np.isnan(xy[..., 0])).mean(axis=1)
    return np.flatnonzero((labelled >= _WHOLE) & (sizes * _LARGEST >= SIZES[-1])).tolist()


def _look_at(
    estimator: PoseEstimator,
    picture: NDArray[np.uint8],
    record: Record,
    person: int,
    reduction: int,
    prior: PosePrior,
) -> list[float]:
    """OKS of one person in each size, all on one canvas."""
    skeleton, spec = estimator.skeleton, estimator.metadata.input
    label = rescale(record.xy[person : person + 1], 1 / reduction)
    box = bound(label)[0]
    size = float(np.hypot(*(box[2:] - box[:2])))
    margin = LookOptions.margin * size
    limits = picture.shape[1::-1]
    part = np.clip(box + 0.5 + margin * np.array([-1, -1, 1, 1]), 0, [*limits, *limits])
    frames = Frames(np.tile(part, (len(SIZES), 1)), np.array(SIZES) / size, np.zeros(len(SIZES), np.intp))
    canvas = build_canvas(frames, stride=spec.stride, gap=LookOptions.gap)
    fields = estimator.compute_canvas_fields(picture, canvas)
    offset = compute_paf_offset(spec.stride, estimator.metadata.paf_geometry)
    annotated, sigmas = skeleton.annotated_indices, select_oks_sigmas(skeleton)
    area = record.areas[person : person + 1] / reduction**2
    best = []
    for look in range(len(canvas)):
        heatmaps, pafs = canvas.cut(look, fields.heatmaps[0]), canvas.cut(look, fields.pafs[0])
        people = group_people(heatmaps, pafs, skeleton, FOR_RANKING, paf_offset=offset, prior=prior)
        xy = canvas.to_picture(look, rescale(prior.complete(people.keypoints), spec.stride))
        oks = compute_oks(xy[:, annotated], label[:, annotated], oks_sigmas=sigmas, area=area)
        best.append(float(oks.max(initial=0)))
    return best
