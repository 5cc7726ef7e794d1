"""Quantise an exported float32 ONNX model to int8, for the benchmark of speed.

ONNX Runtime's static quantisation: QDQ, weights per channel, ranges from pictures that no reported figure is computed
on. It checks that the result runs in ONNX Runtime and in OpenVINO, and prints how long each takes.

    python benchmarks/quantise_for_benchmark.py MODEL.onnx PICTURES/ OUT.onnx
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from nimblepose.core.geometry import Placement
from nimblepose.media.pictures import read_picture
from nimblepose.media.sources import find_pictures
from nimblepose.runtime.backends import BackendName, open_backend
from nimblepose.runtime.export import take_pixels
from nimblepose.runtime.prepare import prepare

_HEIGHT = 256  # of the network's input


class Pictures(CalibrationDataReader):  # type: ignore[misc]
    """Prepared pictures, one at a time, as ONNX Runtime asks for them."""

    def __init__(self, batches: Iterator[NDArray[np.float32]], name: str) -> None:
        self._batches, self._name = batches, name

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """The next input, None at the end."""
        batch = next(self._batches, None)
        return None if batch is None else {self._name: batch}


def prepared(model: Path, folder: Path, count: int) -> Iterator[NDArray[np.float32]]:
    """`count` pictures spread over the folder, as the model takes them."""
    spec = open_backend(model).metadata.input
    files = find_pictures(str(folder))
    for file in files[:: max(1, len(files) // count)][:count]:
        picture = read_picture(file)
        placement = Placement.fit((picture.shape[0], picture.shape[1]), _HEIGHT, stride=spec.stride)
        yield prepare([picture], placement, spec)


def quantise(model: Path, folder: Path, out: Path, *, pictures: int) -> None:
    """Write `out`, which takes pixels; metadata is kept, the layers that give the outputs stay float32."""
    original = onnx.load(model)
    with tempfile.TemporaryDirectory() as scratch:
        inferred = Path(scratch) / "inferred.onnx"
        quant_pre_process(model, inferred, skip_symbolic_shape=True)
        graph = onnx.load(inferred).graph
        outputs = {output.name for output in graph.output}
        quantize_static(
            inferred,
            out,
            Pictures(prepared(model, folder, pictures), graph.input[0].name),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            nodes_to_exclude=[node.name for node in graph.node if outputs & set(node.output)],
            extra_options={"CalibMovingAverage": True},  # mean of the pictures' ranges: one outlier does not widen it
        )
    quantised = onnx.load(out)
    onnx.helper.set_model_props(quantised, {entry.key: entry.value for entry in original.metadata_props})
    onnx.save(take_pixels(quantised), out)


def milliseconds(model: Path, backend: BackendName, *, threads: int, runs: int) -> float:
    """Median of the network alone at 256 x 456."""
    opened = open_backend(model, backend, threads=threads)
    picture = np.random.default_rng(0).integers(0, 256, (256, 456, 3), np.uint8)
    image = prepare([picture], Placement(picture.shape[:2], picture.shape[:2]), opened.metadata.input)
    times = []
    for _ in range(runs + 3):
        start = time.perf_counter()
        opened.run(image)
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times[3:])


def main() -> None:
    """Parse, quantise, check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--pictures", type=int, default=40)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=30)
    options = parser.parse_args()
    quantise(options.model, options.folder, options.out, pictures=options.pictures)
    print(
        f"{options.out}: {options.out.stat().st_size / 1e6:.1f} MB; network alone, 256 x 456, {options.threads} threads"
    )
    for backend in ("onnxruntime", "openvino"):
        before, after = (
            milliseconds(path, backend, threads=options.threads, runs=options.runs)
            for path in (options.model, options.out)
        )
        print(f"{backend:<12} float32 {before:5.1f} ms, int8 {after:5.1f} ms")


if __name__ == "__main__":
    main()
