"""Quantise an exported float32 ONNX model to int8, for the benchmark of speed.

ONNX Runtime's static quantisation: QDQ, weights per channel, ranges from pictures that no reported figure is computed
on. It checks that the result runs in ONNX Runtime and in OpenVINO, and prints how long each takes.

    python benchmarks/quantise_for_benchmark.py MODEL.onnx PICTURES/ OUT.onnx
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
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

from nimblepose.core.geometry import Placement, Size
from nimblepose.media.pictures import read_picture
from nimblepose.media.sources import find_pictures
from nimblepose.runtime.backends import BackendName, open_backend
from nimblepose.runtime.prepare import prepare

_SIZE = (256, 344)
_METHODS = {
    "minmax": CalibrationMethod.MinMax,
    "entropy": CalibrationMethod.Entropy,
    "percentile": CalibrationMethod.Percentile,
}
_ACTIVATIONS = {"uint8": QuantType.QUInt8, "int8": QuantType.QInt8}


class Pictures(CalibrationDataReader):  # type: ignore[misc]
    """Prepared pictures, one at a time, as ONNX Runtime asks for them."""

    def __init__(self, batches: Iterator[NDArray[np.float32]], name: str) -> None:
        self._batches, self._name = batches, name

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """The next input, None at the end."""
        batch = next(self._batches, None)
        return None if batch is None else {self._name: batch}


def prepared(model: Path, folder: Path, count: int, size: Size) -> Iterator[NDArray[np.float32]]:
    """`count` pictures spread over the folder, as the model takes them, of one size as histograms need it."""
    spec = open_backend(model).metadata.input
    files = find_pictures(str(folder))
    for file in files[:: max(1, len(files) // count)][:count]:
        picture = read_picture(file)
        placement = Placement((picture.shape[0], picture.shape[1]), size)
        yield prepare([picture], placement, spec)


def _producers_of(graph: onnx.GraphProto, names: set[str]) -> set[str]:
    return {node.name for node in graph.node if names & set(node.output)}


_KEPT: dict[str, Callable[[onnx.GraphProto], set[str]]] = {  # what may be left in float32
    "first": lambda graph: {graph.node[0].name},
    "outputs": lambda graph: _producers_of(graph, {output.name for output in graph.output}),
    "elu": lambda graph: _producers_of(graph, {node.input[0] for node in graph.node if node.op_type == "Elu"}),
}


def quantise(model: Path, folder: Path, out: Path, options: argparse.Namespace) -> None:
    """Write `out`; metadata of the model is kept."""
    original = onnx.load(model)
    with tempfile.TemporaryDirectory() as scratch:
        inferred = Path(scratch) / "inferred.onnx"
        quant_pre_process(model, inferred, skip_symbolic_shape=True)
        graph = onnx.load(inferred).graph
        quantize_static(
            inferred,
            out,
            Pictures(prepared(model, folder, options.pictures, _SIZE), original.graph.input[0].name),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=_ACTIVATIONS[options.activation],
            weight_type=QuantType.QInt8,
            calibrate_method=_METHODS[options.method],
            op_types_to_quantize=options.operators,
            nodes_to_exclude=sorted(set().union(*(_KEPT[kind](graph) for kind in options.keep_float))),
            extra_options={
                "ActivationSymmetric": False,
                "WeightSymmetric": True,
                "CalibMovingAverage": options.average,
            },
        )
    quantised = onnx.load(out)
    onnx.helper.set_model_props(quantised, {entry.key: entry.value for entry in original.metadata_props})
    onnx.save(quantised, out)


def milliseconds(model: Path, backend: BackendName, *, threads: int, runs: int) -> float:
    """Median of the network alone at 256 x 456."""
    opened = open_backend(model, backend, threads=threads)
    image = np.random.default_rng(0).uniform(-0.5, 0.5, (1, 3, 256, 456)).astype(np.float32)
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
    parser.add_argument("--pictures", type=int, default=100)
    parser.add_argument("--method", choices=_METHODS, default="minmax")
    parser.add_argument("--activation", choices=_ACTIVATIONS, default="uint8")
    parser.add_argument("--average", action="store_true", help="ranges as averages over pictures")
    parser.add_argument("--keep-float", nargs="*", choices=_KEPT, default=["outputs", "elu"])
    parser.add_argument("--operators", nargs="*", default=["Conv", "Relu", "Add", "Concat"], help="what is quantised")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=30)
    options = parser.parse_args()
    quantise(options.model, options.folder, options.out, options)
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
