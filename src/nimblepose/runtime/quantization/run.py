"""One layer at a time, by ONNX Runtime in float32."""

from collections.abc import Callable, Sequence

import numpy as np

from nimblepose.runtime.quantization.layers import Floats, Layer, Network, import_onnx

Run = Callable[[Sequence[Floats]], Floats]


def runner(layer: Layer, network: Network) -> Run:
    """A function from a layer's inputs, in order, to what its operator gives, before the ReLU.

    Args:
        layer: One of the network's, or one like it with other weights.
        network: Gives the operator set, and constants of operators other than convolutions.
    """
    import onnxruntime as ort

    onnx = import_onnx()
    node = onnx.NodeProto()
    node.CopyFrom(layer.node)
    node.output[:] = ["output"]
    if layer.conv:
        node.input[:] = [layer.inputs[0], "weight", "bias"]
        values = {"weight": layer.conv.weight, "bias": layer.conv.bias}
        constants = [onnx.numpy_helper.from_array(value, name) for name, value in values.items()]
    else:
        constants = [network.constants[name] for name in node.input if name in network.constants]
    kind, value_info = onnx.TensorProto.FLOAT, onnx.helper.make_tensor_value_info
    inputs = [value_info(name, kind, None) for name in dict.fromkeys(layer.inputs)]
    graph = onnx.helper.make_graph([node], "layer", inputs, [value_info("output", kind, None)], constants)
    model = onnx.helper.make_model(graph, opset_imports=network.proto.opset_import, ir_version=network.proto.ir_version)
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # there is a session for every layer
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def run(values: Sequence[Floats]) -> Floats:
        feed = {name: np.ascontiguousarray(value) for name, value in zip(layer.inputs, values, strict=True)}
        return np.asarray(session.run(["output"], feed)[0], np.float32)

    return run


def reaches(network: Network, batches: Sequence[Floats]) -> dict[str, Floats]:
    """Largest absolute value of every channel, (C,), of every tensor, over prepared pictures (1, 3, h, w)."""
    reach: dict[str, Floats] = {}
    runs = {layer.output: runner(layer, network) for layer in network.layers}
    for batch in batches:
        values = {network.input: batch}
        for layer in network.layers:
            output = runs[layer.output]([values[name] for name in layer.inputs])
            values[layer.output] = np.maximum(output, 0) if layer.conv and layer.conv.relu else output
        for name, value in values.items():
            here = np.abs(value).max(axis=(0, 2, 3))
            reach[name] = np.maximum(reach.get(name, here), here)
    return reach
