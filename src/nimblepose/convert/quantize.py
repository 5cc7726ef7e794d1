"""From a float32 file to int8 that is as accurate as agreed: statistics, integers, gate, times."""

import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nimblepose.codec.options import FOR_RANKING
from nimblepose.convert.export import take_pixels
from nimblepose.convert.gate import Costs, Gated, check_runtimes, costs, quantize_within
from nimblepose.convert.quantization.equalisation import equalise
from nimblepose.convert.quantization.layers import Network
from nimblepose.convert.quantization.plan import make_plan
from nimblepose.convert.quantization.sources import calibration_batches
from nimblepose.convert.quantization.statistics import observe
from nimblepose.core.errors import DataError
from nimblepose.core.metadata import ModelMetadata
from nimblepose.data.sets import AnnotatedSet
from nimblepose.evaluation.coco import Metrics
from nimblepose.evaluation.detect import measure as measure_model
from nimblepose.runtime.estimator import PoseEstimator

_FEW = 6  # pictures on which layers are compared

Told = Callable[[str], None]
"""Called with what happens, in a line."""

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


@dataclass(frozen=True, kw_only=True)
class QuantizeOptions:
    """How, and how well."""

    max_drop: float = 0.005  # AP that may be lost, 0..1
    input_height: int = 368  # that the network sees for AP
    pictures: int = 48  # to calibrate on, spread over those given
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


def quantize(
    model: Path,
    network: Network,
    metadata: ModelMetadata,
    calibration: str,
    measured: AnnotatedSet,
    options: QuantizeOptions = QuantizeOptions(),
    *,
    told: Told = lambda _: None,
    progress: Progress = lambda *_: None,
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
        told: Hears about every step.
        progress: Hears about every part of a step.

    Raises:
        ModelError: it cannot be done within `max_drop`.
        MediaError: no pictures, or one that cannot be read.
        DataError: annotations of something else, or nobody in them.
    """
    count = len(measured.records)
    batches, files = calibration_batches(
        calibration,
        metadata.input,
        count=options.pictures,
        height=options.input_height,
        leave_out=list(measured.files.values()),
    )

    def figures(path: Path) -> Metrics:
        estimator = PoseEstimator(
            path,
            backend="onnxruntime",
            threads=options.threads,
            input_height=options.input_height,
            decode=FOR_RANKING,
        )
        return measure_model(measured, estimator, progress=lambda n: progress("AP", n, count))

    def measure(proto: Any) -> Metrics:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "candidate.onnx"
            path.write_bytes(proto.SerializeToString())
            return figures(path)

    before = figures(model)
    if math.isnan(before.ap):
        raise DataError(f"{measured.annotations}: nobody with keypoints in the {count} pictures, so there is no AP")
    told(f"float32: AP {before.ap:.4f} on {count} pictures")
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
    gated = quantize_within(network, plan, measure, before=before.ap, max_drop=options.max_drop, batches=few, told=told)
    typical = sorted(batches, key=lambda batch: batch.size)[len(batches) // 4]  # half of them have the height of video
    return Quantized(
        data=(take_pixels(gated.model) if options.pixels else gated.model).SerializeToString(),
        before=before,
        gated=gated,
        differences=check_runtimes(gated.model, network, few[:1]),
        times=costs(network, plan, gated.stay_float, typical, threads=options.threads),
        layer_names={layer.output: layer.name for layer in network.layers},
        calibrated_on=files,
        category_ids=measured.category_ids,
    )
