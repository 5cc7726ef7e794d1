"""An annotated set of pictures through an estimator: COCO results and AP out."""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from nimblepose.core.errors import DataError
from nimblepose.core.poses import Poses
from nimblepose.core.progress import Progress, say_nothing
from nimblepose.core.reduction import enlarge
from nimblepose.data.coco import Record
from nimblepose.data.sets import AnnotatedSet, read_annotated
from nimblepose.evaluation.coco import MAX_PEOPLE, Metrics, evaluate
from nimblepose.media.pictures import MAX_PIXELS, Picture
from nimblepose.results.recording import Estimator


def measure(
    data: AnnotatedSet,
    estimator: Estimator,
    *,
    progress: Progress = say_nothing,
    watch: Callable[[Record, Poses], None] = lambda record, poses: None,
) -> Metrics:
    """AP and AR of an estimator; arguments and errors as in `detect` and `evaluate`."""
    return evaluate(data, detect(data, estimator, progress=progress, watch=watch))


def detect(
    data: AnnotatedSet,
    estimator: Estimator,
    *,
    progress: Progress = say_nothing,
    watch: Callable[[Record, Poses], None] = lambda record, poses: None,
    max_pixels: int = MAX_PIXELS,
) -> list[dict[str, Any]]:
    """COCO results of all pictures of a set, of its first category; only the few under way are held in memory.

    Args:
        data: The pictures.
        estimator: Finds the people.
        progress: Told after each picture.
        watch: Told who was found in each picture.
        max_pixels: JPEGs with more are read reduced, other files are refused.

    Raises:
        MediaError: a picture that cannot be read.
        DataError: a picture of another size than its annotations are for, or an estimator of other keypoints.
    """
    if estimator.skeleton.annotated != data.skeleton.annotated:
        raise DataError(
            f"{data.annotations} was read for skeleton {data.skeleton.name!r}, the estimator finds "
            f"{estimator.skeleton.name!r}; their annotated keypoints must be the same"
        )
    results: list[dict[str, Any]] = []
    reductions: deque[int] = deque()  # of the pictures under way

    def pictures() -> Iterator[Picture]:
        for record in data.records:
            picture, _, reduction = read_annotated(record, max_pixels=max_pixels)
            reductions.append(reduction)
            yield picture

    for done, (record, found) in enumerate(zip(data.records, estimator.stream(pictures()), strict=True), start=1):
        poses = enlarge(found, reductions.popleft())
        results += poses.to_coco(record.image_id, category_id=data.category_ids[0], max_people=MAX_PEOPLE)
        watch(record, poses)
        progress(done)
    return results
