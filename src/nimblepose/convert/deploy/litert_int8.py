"""An int8 ONNX file of ours as LiteRT's, integer for integer: the same weights, steps and zero points.

LiteRT's own tools choose ranges of their own and round the weights a second time; what `nimblepose quantize` has found,
and what AP was measured with, would be lost on the way (docs/deploy.md). What LiteRT's integers mean:
https://ai.google.dev/edge/litert/conversion/tensorflow/quantization/quantization_spec
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nimblepose.convert.deploy.integer_graph import IntegerGraph, Kernel, Operation, Source, read_integer_graph
from nimblepose.convert.deploy.litert_file import FLOAT32, INT8, UINT8, LiteRtFile, Stored
from nimblepose.convert.deploy.litert_form import open_litert
from nimblepose.convert.deploy.onnx_forms import clear_value_info, is_quantized
from nimblepose.convert.deploy.trial import Run
from nimblepose.convert.export import INPUT
from nimblepose.core.errors import ModelError
from nimblepose.runtime.prepare import Batch
from nimblepose.runtime.protocols import Fields

_SIZE = (256, 456)  # that the file begins with; callers resize its input
_SIGNED = 128  # what our files store as uint8 is int8 in LiteRT: stored values and zero points move by this much
_CHANNELS = 3  # the axis of NHWC


def take_integers(proto: Any) -> Any:
    """An int8 onnx.ModelProto of ours as it is.

    Raises:
        ModelError: it is one of floats, whose ranges nobody has measured.
    """
    if not is_quantized(proto):
        raise ModelError(
            "litert-int8 takes an int8 model, this one is of floats: `nimblepose quantize` makes one on your pictures "
            "and measures AP; or use --to litert"
        )
    return clear_value_info(proto)


def write_litert_int8(proto: Any, folder: Path, name: str) -> list[str]:
    """Integers as they are in an onnx.ModelProto of ours; layout NHWC.

    Raises:
        ModelError: a node that no network of ours has.
        MissingPackageError: LiteRT's package is not installed.
    """
    graph = read_integer_graph(proto)
    metadata = {p.key: p.value for p in proto.metadata_props}
    (folder / f"{name}.tflite").write_bytes(_Writer(graph, metadata).write())
    return [f"{name}.tflite"]


class _Writer:
    """Operations one after the other; of each tensor the file may hold the numbers, the integers, or both."""

    def __init__(self, graph: IntegerGraph, metadata: Mapping[str, str]) -> None:
        self._graph, self._file = graph, LiteRtFile(metadata)
        self._numbers: dict[str, int] = {}
        self._integers: dict[str, int] = {}

    def write(self) -> bytes:
        shape = (1, *_SIZE, 3)
        if self._graph.pixels:
            stored = self._scale(INPUT)
            begin = self._file.add_tensor(INPUT, UINT8, shape, Stored(stored.steps, stored.zero + _SIGNED))
            signed = self._file.add_tensor(f"{INPUT}/signed", INT8, shape, stored)
            self._integers[INPUT] = self._file.add_operator("QUANTIZE", [begin], signed)
        else:
            begin = self._numbers[INPUT] = self._file.add_tensor(INPUT, FLOAT32, shape)
        for operation in self._graph.operations:
            places = [self._find(source, integers=operation.integers) for source in operation.sources]
            kernel = operation.kernel
            made = self._convolve(operation, kernel, places[0]) if kernel else self._combine(operation, places)
            (self._integers if operation.integers else self._numbers)[operation.output] = made
        outputs = {name: self._find(source, integers=False) for name, source in self._graph.outputs.items()}
        return self._file.to_bytes({INPUT: begin}, outputs)

    def _scale(self, tensor: str) -> Stored:
        scale = self._graph.scales[tensor]
        return Stored(scale.step, scale.zero - _SIGNED)

    def _find(self, source: Source, *, integers: bool) -> int:
        """The place of its integers or of its numbers, which are those of the integers if it reads what was stored."""
        name = source.tensor
        if not source.stored:
            return self._numbers[name]
        if name not in self._integers:
            shape = self._file.read_shape(self._numbers[name])
            stored = self._file.add_tensor(f"{name}/stored", INT8, shape, self._scale(name))
            self._integers[name] = self._file.add_operator("QUANTIZE", [self._numbers[name]], stored)
        if integers:
            return self._integers[name]
        if f"{name}/real" not in self._numbers:
            shape = self._file.read_shape(self._integers[name])
            real = self._file.add_tensor(f"{name}/real", FLOAT32, shape)
            self._numbers[f"{name}/real"] = self._file.add_operator("DEQUANTIZE", [self._integers[name]], real)
        return self._numbers[f"{name}/real"]

    def _add_result(self, operation: Operation, shape: tuple[int, ...]) -> int:
        if operation.integers:
            return self._file.add_tensor(operation.output, INT8, shape, self._scale(operation.output))
        return self._file.add_tensor(operation.output, FLOAT32, shape)

    def _combine(self, operation: Operation, places: list[int]) -> int:
        shapes = [self._file.read_shape(place) for place in places]
        match operation.kind:
            case "Concat":
                if operation.integers:  # which LiteRT concatenates only where they mean the same
                    places = [
                        self._restore(place, source, operation)
                        for place, source in zip(places, operation.sources, strict=True)
                    ]
                made = self._add_result(operation, (*shapes[0][:_CHANNELS], sum(shape[_CHANNELS] for shape in shapes)))
                return self._file.add_operator(
                    "CONCATENATION", places, made, {"table": "ConcatenationOptions", "axis": _CHANNELS}
                )
            case "Add":
                made = self._add_result(operation, shapes[0])
                return self._file.add_operator("ADD", places, made, {"table": "AddOptions"})
            case _:
                return self._file.add_operator("ELU", places, self._add_result(operation, shapes[0]))

    def _restore(self, place: int, source: Source, operation: Operation) -> int:
        """Integers that mean the same with the scale of the operation's output."""
        if self._graph.scales[source.tensor] == self._graph.scales[operation.output]:
            return place
        name = f"{source.tensor}/for/{operation.output}"
        made = self._file.add_tensor(name, INT8, self._file.read_shape(place), self._scale(operation.output))
        return self._file.add_operator("QUANTIZE", [place], made)

    def _convolve(self, operation: Operation, kernel: Kernel, place: int) -> int:
        if any(kernel.pads) and not kernel.keeps_size:  # LiteRT's SAME pads below and to the right only
            place = self._pad(place, kernel.pads, operation)
        weight = self._add_weights(operation, kernel)
        options = {
            "table": "DepthwiseConv2DOptions" if kernel.depthwise else "Conv2DOptions",
            "padding": 0 if kernel.keeps_size else 1,  # SAME, VALID
            "strideH": kernel.strides[0],
            "strideW": kernel.strides[1],
            "dilationHFactor": kernel.dilations[0],
            "dilationWFactor": kernel.dilations[1],
            "fusedActivationFunction": int(operation.relu),  # RELU is 1
        } | ({"depthMultiplier": 1} if kernel.depthwise else {})
        height, width = self._file.read_shape(place)[1:3]
        if not kernel.keeps_size:
            height, width = (
                (side - apart * (reach - 1) - 1) // step + 1
                for side, apart, reach, step in zip(
                    (height, width), kernel.dilations, kernel.weight.shape[2:], kernel.strides, strict=True
                )
            )
        made = self._add_result(operation, (1, height, width, len(kernel.weight)))
        kind = "DEPTHWISE_CONV_2D" if kernel.depthwise else "CONV_2D"
        return self._file.add_operator(kind, [place, *weight], made, options)

    def _pad(self, place: int, pads: tuple[int, int], operation: Operation) -> int:
        batch, height, width, channels = self._file.read_shape(place)
        shape = (batch, height + 2 * pads[0], width + 2 * pads[1], channels)
        name = f"{operation.output}/padded"
        if operation.integers:
            made = self._file.add_tensor(name, INT8, shape, self._scale(operation.sources[0].tensor))
        else:
            made = self._file.add_tensor(name, FLOAT32, shape)
        sides = np.array([[0, 0], [pads[0]] * 2, [pads[1]] * 2, [0, 0]], np.int32)
        return self._file.add_operator("PAD", [place, self._file.add_constant(f"{name}/sides", sides)], made)

    def _add_weights(self, operation: Operation, kernel: Kernel) -> tuple[int, int]:
        """Weight, (out, kh, kw, in) or (1, kh, kw, out) if depthwise, and bias."""
        name, axis = operation.output, _CHANNELS if kernel.depthwise else 0
        order = (1, 2, 3, 0) if kernel.depthwise else (0, 2, 3, 1)
        weight, bias = kernel.weight.transpose(order), kernel.bias
        return (
            self._file.add_constant(f"{name}/weight", weight, _store(kernel.steps, axis)),
            self._file.add_constant(f"{name}/bias", bias, _store(kernel.bias_steps, 0)),
        )


def _store(steps: NDArray[np.float32] | None, axis: int) -> Stored | None:
    return None if steps is None else Stored(steps, axis=axis)


def open_litert_int8(path: Path) -> Run:
    """A file of layout NHWC whose input is resized whenever a picture of another size comes."""
    run = open_litert(path)

    def run_nhwc(batch: Batch) -> Fields:
        fields = run(np.ascontiguousarray(batch.transpose(0, 2, 3, 1)))
        return Fields(*(np.ascontiguousarray(field.transpose(0, 3, 1, 2)) for field in fields))

    return run_nhwc
