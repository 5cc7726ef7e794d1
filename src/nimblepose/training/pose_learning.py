"""A model file that knows what poses look like and what its own are worth, from one that does not."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nimblepose.codec.options import FOR_RANKING
from nimblepose.convert.model_files import write_with_metadata
from nimblepose.core.errors import DataError, OptionError
from nimblepose.core.files import check_folders
from nimblepose.core.optional import import_optional
from nimblepose.core.progress import StageProgress, say_nothing
from nimblepose.data.coco import load_records
from nimblepose.runtime.estimator import PoseEstimator
from nimblepose.runtime.quality import QUALITIES, QualityName
from nimblepose.training.best_size import study_sizes
from nimblepose.training.prior import learn_prior
from nimblepose.training.scorer import Rated, fit_scorer, rate_poses

_HEIGHT = 368  # of single passes over pictures of all kinds
_LEARNT = "; poses learnt from "  # in the origin of a model


@dataclass(frozen=True)
class Lesson:
    """What a model learnt from."""

    poses: int  # found by it and compared with the labels
    pictures: int
    best_size: float | None  # diagonal in input pixels at which it sees people best; None: too few people to say


def learn_poses(
    model: Path,
    out: Path,
    *,
    annotations: Path,
    images: Path,
    input_height: int | None = None,
    quality: QualityName | None = "balanced",
    seed: int = 0,
    threads: int = 0,
    progress: StageProgress = say_nothing,
) -> Lesson:
    """Learn a prior, a scorer and the best size from annotated pictures, and write a model that has them.

    Its weights stay.

    Args:
        model: ONNX file or checkpoint.
        out: File of the same kind to write; may be `model` itself.
        annotations: COCO keypoint file of pictures that the model was trained on, not of those it is measured on.
        images: Folder of these pictures.
        input_height: Height at which the model sees them in single passes; None: what it was made for, or 368.
        quality: With which they are looked at besides, so that poses of looks are worth what the scorer says, too;
            None: not at all.
        seed: Of the scorer's first weights.
        threads: Of the estimator; 0: all cores.
        progress: Told after each picture.

    Raises:
        OptionError: the two files are not of one kind.
        DataError: no annotated people, or too few.
        MediaError: a picture that cannot be read, or a file that cannot be written.
        MissingPackageError: onnx or torch is not installed.
    """
    if out.suffix != model.suffix or out.suffix not in (".onnx", ".safetensors"):
        raise OptionError(f"{model} and {out} must be of one kind, .onnx or .safetensors")
    if out.suffix == ".onnx":
        import_optional("onnx", "writing an ONNX file")  # what is missing is said now, not after the last picture
    check_folders(out)
    estimator = PoseEstimator(model, threads=threads, input_height=input_height, decode=FOR_RANKING)
    if estimator.quality is not None:  # neither we nor the model say a height
        estimator = PoseEstimator(model, threads=threads, input_height=_HEIGHT, decode=FOR_RANKING)
    made_for = estimator.metadata.input_height
    records = load_records([annotations], [images], estimator.skeleton)
    records = [record for record in records if len(record.xy) or not record.partial]
    if not records:
        raise DataError(f"{annotations}: no pictures to learn from")
    prior = learn_prior(np.concatenate([record.xy for record in records]), estimator.skeleton)
    rated = rate_poses(estimator, records, prior, progress=lambda done: progress("poses", done, len(records)))
    metadata = dataclasses.replace(estimator.metadata, prior=prior, scorer=fit_scorer(rated, seed=seed))
    sizes = study_sizes(
        estimator, records, prior, seed=seed, progress=lambda done, count: progress("sizes", done, count)
    )
    metadata = dataclasses.replace(metadata, best_size=sizes.best_size)
    if quality:
        # whom to look at is decided by what poses are worth, so that single passes come first
        closer = PoseEstimator(
            model, threads=threads, quality=QUALITIES[quality].fit(sizes.best_size, made_for), decode=FOR_RANKING
        )
        closer.metadata = metadata
        seen = rate_poses(closer, records, prior, progress=lambda done: progress("looks", done, len(records)))
        rated = Rated(np.concatenate([rated.features, seen.features]), np.concatenate([rated.oks, seen.oks]))
        metadata = dataclasses.replace(metadata, scorer=fit_scorer(rated, seed=seed))
    origin = f"{estimator.metadata.origin.partition(_LEARNT)[0]}{_LEARNT}{len(rated.oks)} of {annotations.name}"
    metadata = dataclasses.replace(metadata, origin=origin)
    write_with_metadata(model, metadata, out)
    return Lesson(poses=len(rated.oks), pictures=len(records), best_size=sizes.best_size)
