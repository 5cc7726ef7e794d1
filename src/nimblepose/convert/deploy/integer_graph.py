"""What an int8 ONNX file of ours computes, without the nodes that round: operations, integers, and what they mean."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nimblepose.convert.deploy.onnx_forms import dequantize
from nimblepose.convert.export import INPUT
from nimblepose.core.errors import ModelError
from nimblepose.core.optional import import_optional

_ROUNDING = ("QuantizeLinear", "DequantizeLinear")
_KINDS = ("Add", "Concat", "Conv", "Elu")


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Real value = step * (stored - zero); stored in uint8."""

    step: float
    zero: int


@dataclass(frozen=True, kw_only=True)
class Source:
    """A tensor that an operation reads: as it was computed, or after it was stored in 8 bits."""

    tensor: str
    stored: bool


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """Of a convolution."""

    weight: NDArray[np.float32] | NDArray[np.int8]  # (out, in / group, kh, kw)
    bias: NDArray[np.float32] | NDArray[np.int32]  # (out,)
    steps: NDArray[np.float32] | None  # (out,), that stored weights stand for; None: weights are numbers
    bias_steps: NDArray[np.float32] | None  # (out,), the same of the bias
    depthwise: bool
    strides: tuple[int, int]
    dilations: tuple[int, int]
    pads: tuple[int, int]  # zeros above and below, left and right

    @property
    def keeps_size(self) -> bool:
        """Is the output as high and wide as the input?"""
        geometry = zip(self.pads, self.dilations, self.weight.shape[2:], strict=True)
        return self.strides == (1, 1) and all(2 * pad == apart * (side - 1) for pad, apart, side in geometry)

    def to_floats(self) -> "Kernel":
        """The same, its weights as numbers."""
        if self.steps is None or self.bias_steps is None:
            return self
        weight, bias = dequantize(self.weight, self.steps, axis=0), dequantize(self.bias, self.bias_steps, axis=0)
        return replace(self, weight=weight, bias=bias, steps=None, bias_steps=None)


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operator; a convolution with the ReLU after it."""

    kind: str  # Add, Concat (of channels), Conv or Elu
    sources: tuple[Source, ...]
    output: str
    integers: bool  # from 8 bits to 8 bits
    kernel: Kernel | None = None
    relu: bool = False


@dataclass(frozen=True, kw_only=True)
class IntegerGraph:
    """Operations in the order of computation."""

    operations: tuple[Operation, ...]
    scales: Mapping[str, Scale]  # of every tensor that is stored in 8 bits, the input's too if it takes pixels
    outputs: Mapping[str, Source]  # by their names
    pixels: bool  # it takes pixels, stored


def read_integer_graph(proto: Any) -> IntegerGraph:
    """Of an onnx.ModelProto as `nimblepose quantize` writes it.

    Raises:
        ModelError: a node that no network of ours has.
    """
    return _Reader(proto).read()


class _Reader:
    def __init__(self, proto: Any) -> None:
        onnx = import_optional("onnx", "export")
        self._graph, self._get_value = proto.graph, onnx.helper.get_attribute_value
        self._constants = {c.name: onnx.numpy_helper.to_array(c) for c in proto.graph.initializer}
        self._makers = {node.output[0]: node for node in proto.graph.node}
        self._relus = {node.input[0]: node for node in proto.graph.node if node.op_type == "Relu"}
        self._pixels = proto.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8
        # Read as they were computed, so that integers are not enough.
        self._exact = {name for node in proto.graph.node if node.op_type not in _ROUNDING for name in node.input}
        self._exact |= {output.name for output in proto.graph.output}

    def read(self) -> IntegerGraph:
        return IntegerGraph(
            operations=tuple(self._read_operations()),
            scales=self._read_scales(),
            outputs={output.name: self._find_source(output.name) for output in self._graph.output},
            pixels=self._pixels,
        )

    def _read_operations(self) -> Iterator[Operation]:
        scales = self._read_scales()
        for node in self._graph.node:
            if node.op_type in _ROUNDING:
                continue
            if node.op_type == "Relu" and self._makers[node.input[0]].op_type == "Conv":
                continue  # part of the convolution
            if node.op_type not in _KINDS:
                raise _refuse(node)
            relu = self._relus.get(node.output[0]) if node.op_type == "Conv" else None
            output = (relu or node).output[0]
            kernel = self._read_kernel(node) if node.op_type == "Conv" else None
            sources = tuple(self._find_source(name) for name in (node.input[:1] if kernel else node.input))
            integers = output in scales and output not in self._exact and all(source.stored for source in sources)
            integers &= kernel is None or kernel.steps is not None
            yield Operation(
                kind=node.op_type,
                sources=sources,
                output=output,
                integers=integers,
                kernel=kernel if kernel is None or integers else kernel.to_floats(),
                relu=relu is not None,
            )

    def _read_scales(self) -> dict[str, Scale]:
        scales = {}
        for node in self._graph.node:
            pixels = node.op_type == "DequantizeLinear" and node.input[0] == INPUT
            if node.op_type == "QuantizeLinear" or pixels:
                step, zero = (self._constants[name] for name in node.input[1:])
                scales[node.input[0]] = Scale(step=float(step), zero=int(zero))
        return scales

    def _find_source(self, name: str) -> Source:
        maker = self._makers.get(name)
        if maker is None or maker.op_type != "DequantizeLinear":
            return Source(tensor=name, stored=False)
        stored = maker.input[0]
        return Source(tensor=stored if stored == INPUT else self._makers[stored].input[0], stored=True)

    def _read_kernel(self, node: Any) -> Kernel:
        options = {one.name: self._get_value(one) for one in node.attribute}
        weight, steps = self._read_constant(node.input[1])
        bias, bias_steps = self._read_constant(node.input[2])
        group, pads = options.get("group", 1), options.get("pads", [0] * 4)
        depthwise = group == len(weight) > 1 and weight.shape[1] == 1
        if not (depthwise or group == 1) or pads[:2] != pads[2:] or (steps is None) != (bias_steps is None):
            raise _refuse(node)
        return Kernel(
            weight=weight,
            bias=bias,
            steps=steps,
            bias_steps=bias_steps,
            depthwise=depthwise,
            strides=tuple(options.get("strides", (1, 1))),
            dilations=tuple(options.get("dilations", (1, 1))),
            pads=(pads[0], pads[1]),
        )

    def _read_constant(self, name: str) -> tuple[NDArray[Any], NDArray[np.float32] | None]:
        if name in self._constants:
            return self._constants[name], None
        maker = self._makers[name]
        values, steps, *zeros = (self._constants[one] for one in maker.input)
        if any(np.any(zero) for zero in zeros):
            raise _refuse(maker)
        return values, np.broadcast_to(np.asarray(steps, np.float32), (len(values),))


def _refuse(node: Any) -> ModelError:
    return ModelError(f"{node.name or node.op_type} is nothing that a network of ours has; quantize it again")
