"""An ONNX graph of ours as a torch module, for converters that read torch only."""

from typing import Any

import torch

from nimblepose.core.errors import ModelError
from nimblepose.core.optional import import_optional


class GraphModule(torch.nn.Module):
    """Computes the nodes of an onnx.ModelProto of floats one after the other; `image` -> its outputs by name.

    Raises:
        ModelError: a node of a kind that our networks do not have.
    """

    def __init__(self, proto: Any) -> None:
        """Weights become buffers."""
        super().__init__()
        onnx = import_optional("onnx", "export")
        self._nodes, self._outputs = [], [output.name for output in proto.graph.output]
        constants = {c.name: torch.from_numpy(onnx.numpy_helper.to_array(c).copy()) for c in proto.graph.initializer}
        for number, node in enumerate(proto.graph.node):
            options = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
            read = [name for name in node.input if name not in constants]
            weights = [f"weight_{number}_{place}" for place, name in enumerate(node.input) if name in constants]
            for name, key in zip(weights, (k for k in node.input if k in constants), strict=True):
                self.register_buffer(name, constants[key])
            self._check(node, options)
            self._nodes.append((node.op_type, read, weights, options, node.output[0]))

    @staticmethod
    def _check(node: Any, options: dict[str, Any]) -> None:
        known = node.op_type in ("Add", "Concat", "Conv", "Elu", "Relu")
        pads = options.get("pads", [0, 0, 0, 0])
        if not known or pads[:2] != pads[2:] or options.get("auto_pad", b"NOTSET") != b"NOTSET":
            raise ModelError(f"{node.name or node.op_type} is nothing that a network of ours has; export it again")

    def forward(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        """Fields by their names, of a batch (1, 3, h, w)."""
        values = {"image": image}
        for kind, read, weights, options, output in self._nodes:
            given = [values[name] for name in read]
            match kind:
                case "Conv":
                    values[output] = torch.nn.functional.conv2d(
                        given[0],
                        getattr(self, weights[0]),
                        getattr(self, weights[1]) if len(weights) > 1 else None,
                        stride=options.get("strides", [1, 1]),
                        padding=options.get("pads", [0, 0])[:2],
                        dilation=options.get("dilations", [1, 1]),
                        groups=options.get("group", 1),
                    )
                case "Relu":
                    values[output] = torch.relu(given[0])
                case "Elu":
                    values[output] = torch.nn.functional.elu(given[0], alpha=options.get("alpha", 1.0))
                case "Add":
                    values[output] = given[0] + given[1]
                case "Concat":
                    values[output] = torch.cat(given, dim=options["axis"])
        return {name: values[name] for name in self._outputs}
