"""A plan to an ONNX file: QuantizeLinear and DequantizeLinear around what is stored in 8 bits.

Runtimes recognise the pairs and compute between them in integers; one that does not still computes the same numbers.
"""

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nimblepose.convert.quantization.layers import Layer, Network, import_onnx
from nimblepose.convert.quantization.plan import WITHOUT_WEIGHTS, Plan
from nimblepose.convert.quantization.rounding import Rounded


def build(network: Network, plan: Plan, *, stay_float: Collection[str] = ()) -> Any:
    """The network with stored integers; inputs, outputs and metadata as in the file it was read from.

    Args:
        network: The one that was planned for.
        plan: Scales and integers.
        stay_float: Outputs of layers to compute in float32, besides those that the plan has nothing for.

    Returns:
        onnx.ModelProto.
    """
    onnx = import_onnx()
    writer = _Writer(onnx, plan, network.outputs)
    for layer in network.layers:
        known = all(name in plan.scales for name in layer.inputs)
        quantized = layer.output in plan.weights if layer.conv else layer.kind in WITHOUT_WEIGHTS
        writer.add(layer, quantized=quantized and known and layer.output not in stay_float)
    used = {name for node in writer.nodes for name in node.input}
    constants = [entry for name, entry in network.constants.items() if name in used and name not in writer.constants]
    model = onnx.ModelProto()
    model.CopyFrom(network.proto)
    graph = model.graph
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(writer.nodes)
    graph.initializer.extend([*writer.constants.values(), *constants])
    onnx.checker.check_model(model)
    return model


class _Writer:
    """Nodes and constants so far, and which tensors have an 8-bit twin."""

    def __init__(self, onnx: Any, plan: Plan, outputs: Collection[str]) -> None:
        self._onnx, self._plan, self._outputs = onnx, plan, outputs
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}
        self._twins: dict[str, str] = {}

    def add(self, layer: Layer, *, quantized: bool) -> None:
        names = {name: self._find_twin(name) if quantized else self._twins.get(name, name) for name in layer.inputs}
        node = self._onnx.NodeProto()
        node.CopyFrom(layer.node)
        node.input[:] = [names.get(name, name) for name in node.input]
        exact = f"{layer.output}/exact" if quantized and layer.output in self._outputs else layer.output
        if layer.conv and layer.conv.relu:
            node.output[:] = [f"{layer.output}/before_relu"]
        elif layer.conv or quantized:
            node.output[:] = [exact]
        if conv := layer.conv:
            if quantized:
                parts = self._add_weights(layer.name, self._plan.weights[layer.output], layer.inputs[0])
            else:
                weights = {f"{layer.name}.weight": conv.weight, f"{layer.name}.bias": conv.bias}
                parts = [self._add_constant(name, value) for name, value in weights.items()]
            node.input[:] = [names[layer.inputs[0]], *parts]
        self.nodes.append(node)
        if layer.conv and layer.conv.relu:
            self._add_node("Relu", [f"{layer.output}/before_relu"], exact)
        if quantized:
            self._find_twin(layer.output, exact)

    def _add_weights(self, name: str, rounded: Rounded, source: str) -> list[str]:
        """Integer weights and bias of a convolution that reads `source`, and what makes real numbers of them."""
        steps = rounded.steps * np.float32(self._plan.scales[source].step)
        bias = np.rint(rounded.bias / steps).astype(np.int32)
        return [
            self._add_dequantized(f"{name}.weight", rounded.integers, rounded.steps),
            self._add_dequantized(f"{name}.bias", bias, steps),
        ]

    def _add_dequantized(self, name: str, integers: NDArray[Any], steps: NDArray[np.float32]) -> str:
        parts = {"stored": integers, "step": steps, "zero": np.zeros(len(steps), integers.dtype)}
        inputs = [self._add_constant(f"{name}/{part}", value) for part, value in parts.items()]
        return self._add_node("DequantizeLinear", inputs, f"{name}/real", axis=0)

    def _find_twin(self, tensor: str, exact: str = "") -> str:
        """The tensor after storing it in 8 bits; `exact` where the twin takes the tensor's own name, as outputs do."""
        if tensor not in self._twins:
            scale = self._plan.scales[tensor]
            parts = {"step": np.float32(scale.step), "zero": np.uint8(scale.zero)}
            how = [self._add_constant(f"{tensor}/{part}", np.asarray(value)) for part, value in parts.items()]
            stored = self._add_node("QuantizeLinear", [exact or tensor, *how], f"{tensor}/stored")
            name = f"{tensor}/real" if exact in ("", tensor) else tensor
            self._twins[tensor] = self._add_node("DequantizeLinear", [stored, *how], name)
        return self._twins[tensor]

    def _add_constant(self, name: str, value: NDArray[Any]) -> str:
        self.constants[name] = self._onnx.numpy_helper.from_array(value, name)
        return name

    def _add_node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(self._onnx.helper.make_node(kind, inputs, [output], name=f"{output}/{kind}", **attributes))
        return output
