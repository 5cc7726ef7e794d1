"""A model file that knows what poses look like and what its own and their keypoints are worth, of one that does not."""

import dataclasses
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from nimblepose.codec.options import FOR_RANKING, DecodeOptions
from nimblepose.convert.model_files import write_with_metadata
from nimblepose.core.errors import DataError, OptionError
from nimblepose.core.files import check_folders
from nimblepose.core.optional import import_optional
from nimblepose.core.progress import StageProgress, say_nothing
from nimblepose.data.coco import load_records
from nimblepose.runtime.estimator import PoseEstimator
from nimblepose.runtime.quality import FRAME_HEIGHT, QUALITIES, QualityName
from nimblepose.training.best_size import study_sizes
from nimblepose.training.error_calibration import Surprises, fit_calibration, look_again
from nimblepose.training.keypoint_errors import Offsets, fit_errors
from nimblepose.training.prior import learn_prior
from nimblepose.training.scorer import Rated, fit_scorer, rate_poses

_HEIGHT = 368  # of single passes over pictures of all kinds
_LEARNT = "; poses learnt from "  # in the origin of a model
_THE_REST = ", the rest from "
_CALIBRATED = "; errors calibrated on "
_LEARNABLE = ("prior", "scorer", "errors", "best_size")  # of its metadata


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
    keep: bool = False,
    seed: int = 0,
    threads: int = 0,
    progress: StageProgress = say_nothing,
) -> Lesson:
    """Learn a prior, a scorer, errors of keypoints and the best size from annotated pictures, and write a model.

    Its weights stay.

    Args:
        model: ONNX file or checkpoint.
        out: File of the same kind to write; may be `model` itself.
        annotations: COCO keypoint file of pictures that the model was trained on, not of those it is measured on.
        images: Folder of these pictures.
        input_height: Height at which the model sees them in single passes; None: what it was made for, or 368.
        quality: With which they are looked at besides, so that poses of looks are worth what the scorer says, too;
            None: not at all.
        keep: What the model knows stays; only what it lacks is learnt.
        seed: Of the scorer's first weights.
        threads: Of the estimator; 0: all cores.
        progress: Told after each picture.

    Raises:
        OptionError: the two files are not of one kind, or nothing is lacking.
        DataError: no annotated people, or too few.
        MediaError: a picture that cannot be read, or a file that cannot be written.
        MissingPackageError: onnx or torch is not installed.
    """
    _check_files(model, out)
    estimator = PoseEstimator(model, threads=threads, input_height=input_height, decode=FOR_RANKING)
    if estimator.quality is not None:  # neither we nor the model say a height
        estimator = PoseEstimator(model, threads=threads, input_height=_HEIGHT, decode=FOR_RANKING)
    made_for = estimator.metadata.input_height
    if keep and None not in (getattr(estimator.metadata, name) for name in _LEARNABLE):
        raise OptionError(f"{model} lacks nothing that could be learnt; leave out --keep to learn all of it anew")
    records = load_records([annotations], [images], estimator.skeleton)
    records = [record for record in records if len(record.xy) or not record.partial]
    if not records:
        raise DataError(f"{annotations}: no pictures to learn from")
    known = estimator.metadata
    if not keep:
        known = dataclasses.replace(known, prior=None, scorer=None, errors=None, best_size=None)
    prior = known.prior or learn_prior(np.concatenate([record.xy for record in records]), estimator.skeleton)
    rated = rate_poses(estimator, records, prior, progress=lambda done: progress("poses", done, len(records)))
    metadata = dataclasses.replace(known, prior=prior, scorer=known.scorer or fit_scorer(rated, seed=seed))
    if known.best_size is None:
        sizes = study_sizes(
            estimator, records, prior, seed=seed, progress=lambda done, count: progress("sizes", done, count)
        )
        metadata = dataclasses.replace(metadata, best_size=sizes.best_size)
    if quality:
        # whom to look at is decided by what poses are worth, so that single passes come first
        closer = PoseEstimator(
            model, threads=threads, quality=QUALITIES[quality].fit(metadata.best_size, made_for), decode=FOR_RANKING
        )
        closer.metadata = metadata
        seen = rate_poses(closer, records, prior, progress=lambda done: progress("looks", done, len(records)))
        rated = Rated(
            np.concatenate([rated.features, seen.features]),
            np.concatenate([rated.oks, seen.oks]),
            Offsets.join([rated.offsets, seen.offsets]),
        )
        metadata = dataclasses.replace(metadata, scorer=known.scorer or fit_scorer(rated, seed=seed))
    errors = known.errors or fit_errors(rated.offsets, estimator.skeleton.oks_sigmas)
    metadata = dataclasses.replace(metadata, errors=errors)
    before, mark, calibration = estimator.metadata.origin.partition(_CALIBRATED)
    learnt = _LEARNT
    if not keep:
        before = before.partition(_LEARNT)[0]
    elif _LEARNT in before:
        learnt = _THE_REST
    calibrated = f"{mark}{calibration}" if known.errors else ""  # is said last, where the next calibration finds it
    origin = f"{before}{learnt}{len(rated.oks)} of {annotations.name}{calibrated}"
    metadata = dataclasses.replace(metadata, origin=origin)
    write_with_metadata(model, metadata, out)
    return Lesson(poses=len(rated.oks), pictures=len(records), best_size=metadata.best_size)


def calibrate_errors(
    model: Path,
    out: Path,
    *,
    annotations: Path,
    images: Path,
    input_height: int | None = None,
    quality: QualityName | None = "balanced",
    threads: int = 0,
    progress: StageProgress = say_nothing,
) -> int:
    """Put errors of keypoints right by pictures that the model has not learnt from, and write a model.

    Everything else that it knows stays, and what an earlier calibration said is forgotten.

    Args:
        model: ONNX file or checkpoint that knows errors.
        out: File of the same kind to write; may be `model` itself.
        annotations: COCO keypoint file of pictures that the model was not trained on.
        images: Folder of these pictures.
        input_height: Height at which the model sees them in a single pass; None: what it was made for, or those of
            frames and of pictures.
        quality: With which they are looked at besides; None: not at all.
        threads: Of the estimator; 0: all cores.
        progress: Told after each picture.

    Returns:
        How many keypoints were compared with the labels; one counts each time that it was found.

    Raises:
        OptionError: the two files are not of one kind, or the model does not know errors.
        DataError: no annotated people, or too few that the model finds.
        MediaError: a picture that cannot be read, or a file that cannot be written.
        MissingPackageError: onnx or torch is not installed.
    """
    _check_files(model, out)
    known = PoseEstimator(model, threads=threads).metadata
    if known.errors is None:
        raise OptionError(f"{model} knows no errors that could be calibrated; learn them first, without --calibrate")
    records = [record for record in load_records([annotations], [images], known.skeleton) if len(record.xy)]
    if not records:
        raise DataError(f"{annotations}: no pictures with people to calibrate with")
    before = dataclasses.replace(known, errors=dataclasses.replace(known.errors, calibration=None))
    height = input_height or known.input_height
    ways: list[dict[str, Any]] = [{"input_height": each} for each in ([height] if height else [FRAME_HEIGHT, _HEIGHT])]
    if quality:
        ways.append({"quality": QUALITIES[quality].fit(known.best_size, known.input_height)})
    parts: list[Surprises] = []
    for way in ways:
        estimator = PoseEstimator(model, threads=threads, decode=DecodeOptions(complete=known.prior is not None), **way)
        estimator.metadata = before
        stage = "looks" if "quality" in way else f"height {way['input_height']}"
        parts.append(look_again(estimator, records, progress=partial(progress, stage)))
    surprises = Surprises.join(parts)
    count = len(surprises.ratios)
    origin = f"{known.origin.partition(_CALIBRATED)[0]}{_CALIBRATED}{count} keypoints of {annotations.name}"
    errors = fit_calibration(known.errors, surprises)
    write_with_metadata(model, dataclasses.replace(known, errors=errors, origin=origin), out)
    return count


def _check_files(model: Path, out: Path) -> None:
    """Say now what would be in the way after the last picture."""
    if out.suffix != model.suffix or out.suffix not in (".onnx", ".safetensors"):
        raise OptionError(f"{model} and {out} must be of one kind, .onnx or .safetensors")
    if out.suffix == ".onnx":
        import_optional("onnx", "writing an ONNX file")
    check_folders(out)
