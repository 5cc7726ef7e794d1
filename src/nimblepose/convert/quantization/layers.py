"""An ONNX graph as the layers that quantization thinks in, with the weights of its convolutions as arrays."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.errors import ModelError
from nimblepose.core.optional import import_optional

Floats = NDArray[np.float32]

_QUANTISED = {"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "ConvInteger"}


@dataclass(frozen=True, kw_only=True)
class Convolution:
    """Weights and geometry of a 2D convolution, and whether a ReLU follows that is part of the layer."""

    weight: Floats  # (out, in / group, kh, kw)
    bias: Floats  # (out,)
    relu: bool
    group: int
    strides: tuple[int, int]
    dilations: tuple[int, int]
    pads: tuple[int, int, int, int]  # zeros above, left, below, right

    @property
    def depthwise(self) -> bool:
        """Does every output see one channel?"""
        return self.weight.shape[1] == 1 and self.group == len(self.weight) > 1


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One operator; a convolution with the ReLU after it."""

    name: str  # that of the weights where there are any
    node: Any  # onnx.NodeProto, of a convolution without its ReLU
    inputs: tuple[str, ...]  # tensors that are computed; weights and other constants are not among them
    output: str  # tensor after the ReLU
    conv: Convolution | None = None

    @property
    def kind(self) -> str:
        """Operator of ONNX."""
        return str(self.node.op_type)


@dataclass(frozen=True, kw_only=True)
class Network:
    """Layers in the order of computation."""

    layers: tuple[Layer, ...]
    input: str
    outputs: tuple[str, ...]
    proto: Any  # onnx.ModelProto it was read from

    @property
    def constants(self) -> dict[str, Any]:
        """Constants of the file by name, onnx.TensorProto."""
        return {entry.name: entry for entry in self.proto.graph.initializer}

    def readers(self, tensor: str) -> list[Layer]:
        """Layers that take this tensor."""
        return [layer for layer in self.layers if tensor in layer.inputs]

    def replace_weights(self, weights: Mapping[str, tuple[Floats, Floats]]) -> "Network":
        """The same layers with other weights and biases, by output tensor."""
        layers = []
        for layer in self.layers:
            if layer.conv and layer.output in weights:
                weight, bias = weights[layer.output]
                layer = replace(layer, conv=replace(layer.conv, weight=weight, bias=bias))
            layers.append(layer)
        return replace(self, layers=tuple(layers))


def import_onnx() -> Any:
    """The onnx package.

    Raises:
        MissingPackageError: it is not installed.
    """
    return import_optional("onnx", "quantizing")


def read_network(proto: Any, *, source: str) -> Network:
    """Layers of a float32 model; batch normalisation must be folded, as `nimblepose export` does.

    Args:
        proto: onnx.ModelProto.
        source: Named in errors.

    Raises:
        ModelError: quantized already, not one input, or nothing in it to quantize.
    """
    onnx = import_onnx()
    graph = proto.graph
    if found := {node.op_type for node in graph.node} & _QUANTISED:
        raise ModelError(f"{source} is quantized already (it has {', '.join(sorted(found))}); give the float32 model")
    constants = {entry.name: onnx.numpy_helper.to_array(entry) for entry in graph.initializer}
    inputs = [entry.name for entry in graph.input if entry.name not in constants]
    outputs = tuple(entry.name for entry in graph.output)
    if len(inputs) != 1:
        raise ModelError(f"{source} has the inputs {inputs}; expected one, the picture")
    uses = [name for node in graph.node for name in node.input] + list(outputs)
    layers: dict[str, Layer] = {}  # by output tensor
    for node in graph.node:
        before = layers.get(node.input[0]) if node.op_type == "Relu" else None
        if before and before.conv and not before.conv.relu and uses.count(before.output) == 1:
            del layers[before.output]
            layer = replace(before, output=node.output[0], conv=replace(before.conv, relu=True))
        else:
            layer = _read_layer(node, constants)
        if layer.name in {other.name for other in layers.values()}:  # weights that two layers share
            layer = replace(layer, name=layer.output)
        layers[layer.output] = layer
    if not any(layer.conv for layer in layers.values()):
        raise ModelError(f"{source} has no convolution to quantize")
    return Network(layers=tuple(layers.values()), input=inputs[0], outputs=outputs, proto=proto)


def _read_layer(node: Any, constants: Mapping[str, NDArray[Any]]) -> Layer:
    inputs = tuple(name for name in node.input if name and name not in constants)
    layer = Layer(name=node.name or node.output[0], node=node, inputs=inputs, output=node.output[0])
    attributes = {entry.name: entry for entry in node.attribute}
    padding = attributes["auto_pad"].s if "auto_pad" in attributes else b"NOTSET"
    if node.op_type != "Conv" or len(inputs) != 1 or constants[node.input[1]].ndim != 4 or padding != b"NOTSET":
        return layer

    def read_numbers(key: str, default: tuple[int, ...]) -> Any:
        return tuple(attributes[key].ints) if key in attributes else default

    weight = np.asarray(constants[node.input[1]], np.float32)
    bias = constants[node.input[2]] if len(node.input) > 2 and node.input[2] else np.zeros(len(weight))
    conv = Convolution(
        weight=weight,
        bias=np.asarray(bias, np.float32),
        relu=False,
        group=attributes["group"].i if "group" in attributes else 1,
        strides=read_numbers("strides", (1, 1)),
        dilations=read_numbers("dilations", (1, 1)),
        pads=read_numbers("pads", (0, 0, 0, 0)),
    )
    return replace(layer, name=node.input[1].removesuffix(".weight"), conv=conv)
