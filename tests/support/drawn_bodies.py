"""A network made by hand that finds drawn bodies, pictures of them, and annotations: AP 1 without any training.

A body is three blurred dots in a row, red, green, blue. The network's heatmaps are the mean colours of its cells, its
PAFs point to the right everywhere. On the way it has what the real network has: a strided, a depthwise and pointwise
convolutions, ReLU, ELU, a concatenation of very different tensors, a sum.
"""

import json

import numpy as np

from nimblepose.core.files import write_atomically
from nimblepose.core.metadata import InputSpec, ModelMetadata
from nimblepose.core.skeleton import Skeleton
from nimblepose.media.encoding import encode_picture

BODY = Skeleton("body", ("low", "high", "far"), (("low", "high"), ("high", "far")), (0.1, 0.1, 0.1))
METADATA = ModelMetadata(skeleton=BODY, input=InputSpec(channels="rgb", mean=0, scale=1 / 256), licence="MIT")
HEIGHT, WIDTH = 64, 128
_COLUMNS = (28, 68, 108)  # pixels


def network(onnx, *, loud=1.0):
    """The network as an onnx.ModelProto; `loud` is the value of an idle channel that passes the ELU with the others."""
    colours = np.zeros((3, 3, 8, 8), np.float32)
    colours[range(3), range(3)] = 1 / 64
    centre = np.zeros((3, 1, 3, 3), np.float32)
    centre[:, 0, 1, 1] = [1, 100, 0.1]  # channels of very different ranges
    even = np.diag(1 / centre[:, 0, 1, 1]).astype(np.float32)
    weights = {
        "colours": (colours, np.zeros(3)),
        "centre": (centre, np.zeros(3)),
        "louder": (np.concatenate([even, np.zeros((1, 3))])[..., None, None], np.array([0, 0, 0, loud])),
        "quieter": (np.eye(3, 4)[..., None, None], np.zeros(3)),
        "echo": (np.eye(3)[..., None, None], np.zeros(3)),
        "mixed": (np.concatenate([np.eye(3) / 4, np.eye(3) / 16], axis=1)[..., None, None], np.zeros(3)),
        "heat": (np.concatenate([np.eye(3), -np.ones((1, 3))])[..., None, None], np.array([0, 0, 0, 1])),
        "paf": (np.zeros((4, 3, 1, 1)), np.array([1, 0, 1, 0])),
    }
    constants = [
        onnx.numpy_helper.from_array(np.asarray(value, np.float32), f"{name}.{part}")
        for name, values in weights.items()
        for part, value in zip(("weight", "bias"), values, strict=True)
    ]

    def conv(name, source, **attributes):
        return onnx.helper.make_node(
            "Conv", [source, f"{name}.weight", f"{name}.bias"], [name], name=name, **attributes
        )

    def simple(kind, inputs, output, **attributes):
        return onnx.helper.make_node(kind, inputs, [output], name=f"{output}_node", **attributes)

    nodes = [
        conv("colours", "image", strides=[8, 8], kernel_shape=[8, 8]),
        simple("Relu", ["colours"], "r1"),
        conv("centre", "r1", group=3, pads=[1, 1, 1, 1], kernel_shape=[3, 3]),
        simple("Relu", ["centre"], "r2"),
        conv("louder", "r2"),
        simple("Elu", ["louder"], "elu"),
        conv("quieter", "elu"),
        simple("Relu", ["quieter"], "r3"),
        conv("echo", "r3"),
        simple("Relu", ["echo"], "r4"),
        simple("Add", ["r3", "r4"], "sum"),
        simple("Mul", ["sum", "times"], "fourfold"),  # an operator that quantization does not know
        simple("Concat", ["sum", "fourfold"], "cat", axis=1),
        conv("mixed", "cat"),
        onnx.helper.make_node("Conv", ["mixed", "heat.weight", "heat.bias"], ["heatmaps"], name="heat"),
        onnx.helper.make_node("Conv", ["mixed", "paf.weight", "paf.bias"], ["pafs"], name="paf"),
    ]
    constants.append(onnx.numpy_helper.from_array(np.full(1, 4, np.float32), "times"))
    kind, info = onnx.TensorProto.FLOAT, onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes,
        "bodies",
        [info("image", kind, ["batch", 3, "height", "width"])],
        [info(name, kind, ["batch", 4, "h", "w"]) for name in ("heatmaps", "pafs")],
        constants,
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)
    onnx.helper.set_model_props(model, METADATA.to_strings())
    onnx.checker.check_model(model)
    return model


def draw(rng):
    """A picture (64, 128, 3) and the dots' places (3, 2) in pixels."""
    place = np.stack([_COLUMNS + rng.uniform(-6, 6, 3), rng.uniform(20, 44) + rng.uniform(-3, 3, 3)], axis=-1)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    planes = [np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 7**2)) for x, y in place]
    return np.round(250 * np.stack(planes, axis=-1)).astype(np.uint8), place


def write_set(folder, count, *, seed):
    """Pictures in `folder`/images and their annotations beside it, in COCO layout."""
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(seed)
    images, annotations = [], []
    for i in range(1, count + 1):
        picture, place = draw(rng)
        write_atomically(folder / "images" / f"{i}.png", encode_picture(picture, ".png"))
        images.append({"id": i, "file_name": f"{i}.png", "height": HEIGHT, "width": WIDTH})
        keypoints = [v for x, y in place + 0.5 for v in (x, y, 2)]
        annotations.append(
            {"id": i, "image_id": i, "category_id": 1, "keypoints": keypoints, "bbox": [20, 20, 100, 30], "area": 3000}
        )
    category = {"id": 1, "name": "body", "keypoints": list(BODY.keypoints), "skeleton": [[1, 2], [2, 3]]}
    coco = {"images": images, "annotations": annotations, "categories": [category]}
    (folder / "bodies.json").write_text(json.dumps(coco))
    return folder
