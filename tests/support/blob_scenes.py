"""Scenes that a tiny network of a test understands: people are three blobs, red, green and blue, side by side."""

import numpy as np

from nimblepose.core.metadata import InputSpec, ModelMetadata
from nimblepose.core.skeleton import Skeleton

SIZE = (96, 160)
BODY = Skeleton(
    "blobs", ("red", "green", "blue"), (("red", "green"), ("green", "blue")), (0.1, 0.1, 0.1),
    mirror_pairs=(("red", "blue"),),
)  # fmt: skip


def write_model(path):
    """A network that takes what is bright in a colour for its keypoint, and limbs to lead to the right."""
    import onnx
    from onnx import helper, numpy_helper

    values = {
        "half": np.float32([0.5]), "two": np.float32([2]), "one": np.float32([1]), "zero": np.float32([0]),
        "right": np.float32([1, 0, 1, 0]).reshape(1, 4, 1, 1), "axes": np.array([1]),
    }  # fmt: skip
    nodes = [
        helper.make_node("AveragePool", ["image"], ["pooled"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Sub", ["pooled", "half"], ["above"]),
        helper.make_node("Relu", ["above"], ["bright"]),
        helper.make_node("Mul", ["bright", "two"], ["parts"]),
        helper.make_node("ReduceMax", ["parts"], ["most"], axes=[1], keepdims=1),
        helper.make_node("Sub", ["one", "most"], ["background"]),
        helper.make_node("Concat", ["parts", "background"], ["heatmaps"], axis=1),
        helper.make_node("Mul", ["most", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "right"], ["pafs"]),
    ]
    kind = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "blobs",
        [helper.make_tensor_value_info("image", kind, ["b", 3, "h", "w"])],
        [helper.make_tensor_value_info(name, kind, ["b", 4, "p", "q"]) for name in ("heatmaps", "pafs")],
        [numpy_helper.from_array(value, name) for name, value in values.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    metadata = ModelMetadata(
        skeleton=BODY, input=InputSpec(channels="rgb", mean=0, scale=1 / 255), licence="MIT", origin="a test"
    )
    helper.set_model_props(model, metadata.to_strings())
    onnx.save(model, path)
    return path


def draw_scene(number, *, seed=0, people=2, pan=1):
    """Frame `number` of a scene: people walk to the right before a wall that the camera passes."""
    rng = np.random.default_rng(seed)
    low = 20 + 50 * (seed % 2)
    wall = rng.integers(low, low + 40, (SIZE[0] // 8, 100, 3)).repeat(8, 0).repeat(8, 1).astype(np.float64)
    left = number * pan
    picture = wall[:, left : left + SIZE[1]].copy()
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    for person in range(people):
        x, y = 14 + (number * (1 + person) * 0.7 + 20 * person) % 90, 22 + 46 * person + np.sin(number / 3)
        for channel in range(3):
            blob = 255 * np.exp(-((rows - y) ** 2 + (columns - x - 22 * channel) ** 2) / (2 * 7.0**2))
            picture[..., channel] = np.maximum(picture[..., channel], blob)
    return np.clip(picture, 0, 255).astype(np.uint8)


BLACK = np.zeros((*SIZE, 3), np.uint8)
