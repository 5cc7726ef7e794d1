"""From a float32 file to an int8 one that is as accurate as agreed: statistics, integers, gate, times, report."""

import dataclasses
import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nimblepose.codec.options import FOR_RANKING
from nimblepose.convert.export import take_pixels
from nimblepose.convert.gate import Costs, Gated, check_runtimes, measure_costs, quantize_within
from nimblepose.convert.quantization.equalisation import equalise
from nimblepose.convert.quantization.layers import Network
from nimblepose.convert.quantization.plan import make_plan
from nimblepose.convert.quantization.sources import load_batches, load_network
from nimblepose.convert.quantization.statistics import observe
from nimblepose.core.errors import DataError
from nimblepose.core.files import check_folders, write_atomically
from nimblepose.core.metadata import ModelMetadata
from nimblepose.core.progress import Say, StageProgress, say_nothing
from nimblepose.data.sets import AnnotatedSet
from nimblepose.evaluation.coco import Metrics, check_available
from nimblepose.evaluation.detect import measure as measure_model
from nimblepose.evaluation.provenance import compute_sha256, describe_machine, describe_model, write_json
from nimblepose.runtime.estimator import PoseEstimator
from nimblepose.runtime.quality import FRAME_HEIGHT

_HEIGHT = 368  # at which AP of models for pictures of all kinds is told
_FEW = 6  # pictures on which layers are compared


@dataclass(frozen=True, kw_only=True)
class QuantizeOptions:
    """How, and how well."""

    max_drop: float = 0.005  # AP that may be lost, 0..1
    input_height: int | None = None  # that the network sees for AP; None: what the model was made for, or 368
    limit: int = 200  # pictures that AP is measured on, the first ones; 0: all
    calibration_pictures: int = 48  # spread over those given
    pixels: bool = False  # the file takes pixels, uint8, and normalises them
    seed: int = 0  # of the places in pictures that weights are fitted to
    threads: int = 0  # 0: all cores


@dataclass(frozen=True, kw_only=True)
class Quantized:
    """What came of it."""

    data: bytes  # of the ONNX file
    before: Metrics  # of the float32 file
    gated: Gated
    times: Costs
    differences: Mapping[str, float]  # by runtime: squared error of its fields, as a part of their mean square
    layer_names: Mapping[str, str]  # by their outputs
    calibrated_on: Sequence[Path]
    category_ids: Sequence[int]  # of the people that AP was measured on

    @property
    def stay_float(self) -> dict[str, float]:
        """Milliseconds that each layer which stays float32 adds, by its name."""
        return {self.layer_names[output]: self.times.of_float[output] for output in self.gated.stay_float}


def quantize_file(
    model: Path,
    out: Path,
    *,
    calibration: str,
    annotations: Path,
    images: Path,
    options: QuantizeOptions = QuantizeOptions(),
    report: Path | None = None,
    say: Say = say_nothing,
    progress: StageProgress = say_nothing,
) -> Quantized:
    """Quantize a file into another, if its AP stays within `options.max_drop`; else nothing is written.

    Args:
        model: Float32 ONNX.
        out: ONNX file to write.
        calibration: As `quantize` takes it.
        annotations: COCO keypoint file of the pictures that AP is measured on.
        images: Folder of these pictures.
        options: How.
        report: JSON file with figures and layers, and all it takes to repeat them.
        say: Hears about every step.
        progress: Hears about every part of a step.

    Raises:
        ModelError, MediaError, DataError: as `quantize`; also if there is no folder to write into.
        MissingPackageError: onnx or faster-coco-eval is not installed.
    """
    check_available()  # what is missing is said now, not after the last picture
    network, metadata = load_network(model)
    check_folders(*(file for file in (out, report) if file))
    measured = AnnotatedSet.read(annotations, images, metadata.skeleton, limit=options.limit)
    result = quantize(model, network, metadata, calibration, measured, options, say=say, progress=progress)
    write_atomically(out, result.data)
    if report:
        _write_report(report, result, model, metadata, out, measured, options)
    return result


def quantize(
    model: Path,
    network: Network,
    metadata: ModelMetadata,
    calibration: str,
    measured: AnnotatedSet,
    options: QuantizeOptions = QuantizeOptions(),
    *,
    say: Say = say_nothing,
    progress: StageProgress = say_nothing,
) -> Quantized:
    """Quantize a file; nothing is written.

    Args:
        model: Float32 ONNX.
        network: What is in it, as `load_network` gives it.
        metadata: The same.
        calibration: Folder of pictures, or pattern, as `predict` takes it. Pictures that the annotations of `measured`
            name are left out, also those that it leaves out itself.
        measured: What AP is measured on, before and after.
        options: How.
        say: Hears about every step.
        progress: Hears about every part of a step.

    Raises:
        ModelError: it cannot be done within `max_drop`.
        MediaError: no pictures, or one that cannot be read.
        DataError: annotations of something else, or nobody in them.
    """
    count = len(measured.records)
    height = _choose_height(options, metadata)
    batches, files = load_batches(
        calibration,
        metadata.input,
        count=options.calibration_pictures,
        heights=(height, metadata.input_height or FRAME_HEIGHT),
        leave_out=list(measured.files.values()),
    )

    def measure_file(path: Path) -> Metrics:
        estimator = PoseEstimator(
            path,
            backend="onnxruntime",
            threads=options.threads,
            input_height=height,
            decode=FOR_RANKING,
            streaming=True,
        )
        return measure_model(measured, estimator, progress=lambda n: progress("AP", n, count))

    def measure(proto: Any) -> Metrics:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "candidate.onnx"
            path.write_bytes(proto.SerializeToString())
            return measure_file(path)

    before = measure_file(model)
    if math.isnan(before.ap):
        raise DataError(f"{measured.annotations}: nobody with keypoints in the {count} pictures, so there is no AP")
    say(f"float32: AP {before.ap:.4f} on {count} pictures")
    statistics = observe(
        network,
        batches,
        seed=options.seed,
        threads=options.threads,
        progress=lambda n: progress("statistics", n, len(batches)),
    )
    network, statistics = equalise(network, statistics)
    plan = make_plan(
        network, statistics, metadata.input, progress=lambda n: progress("rounding", n, len(network.layers))
    )
    few = batches[:: -(-len(batches) // _FEW)]
    gated = quantize_within(network, plan, measure, before=before.ap, max_drop=options.max_drop, batches=few, say=say)
    typical = sorted(batches, key=lambda batch: batch.size)[len(batches) // 4]  # half of them have the height of video
    return Quantized(
        data=(take_pixels(gated.model) if options.pixels else gated.model).SerializeToString(),
        before=before,
        gated=gated,
        differences=check_runtimes(gated.model, network, few[:1]),
        times=measure_costs(network, plan, gated.stay_float, typical, threads=options.threads),
        layer_names={layer.output: layer.name for layer in network.layers},
        calibrated_on=files,
        category_ids=measured.category_ids,
    )


def _choose_height(options: QuantizeOptions, metadata: ModelMetadata) -> int:
    return options.input_height or metadata.input_height or _HEIGHT


def _write_report(
    path: Path,
    result: Quantized,
    model: Path,
    metadata: ModelMetadata,
    out: Path,
    measured: AnnotatedSet,
    options: QuantizeOptions,
) -> None:
    stay_float = [{"layer": name, "milliseconds": round(ms, 3)} for name, ms in result.stay_float.items()]
    float32 = {
        **describe_model(model, metadata),
        "metrics": result.before.to_dict(),
        "milliseconds": result.times.float32,
    }
    int8 = {
        "file": out.name,
        "sha256": compute_sha256(out),
        "size": len(result.data),
        "metrics": result.gated.metrics.to_dict(),
        "milliseconds": result.times.int8,
        "disagreement": result.differences,
    }
    file = measured.annotations
    value = {
        "format": "nimblepose-quantize",
        "version": 1,
        "float32": float32,
        "int8": int8,
        "timed_at": result.times.size,
        "stay_float": stay_float,
        "layers": len(result.layer_names),
        "tried": result.gated.tried,
        "options": dataclasses.asdict(options) | {"input_height": _choose_height(options, metadata)},
        "data": {
            "file": file.name,
            "sha256": compute_sha256(file),
            "category": result.category_ids[0],
            "categories": list(result.category_ids),
        },
        "calibration": [picture.name for picture in result.calibrated_on],
        "machine": describe_machine(),
    }
    write_json(path, value)
