"""Reading finds every layer with its weights, and refuses what cannot be quantized."""

import drawn_bodies
import numpy as np
import pytest

from nimblepose.convert.quantization.layers import read_network
from nimblepose.convert.quantization.plan import Plan
from nimblepose.convert.quantization.qdq import build
from nimblepose.core.errors import ModelError

onnx = pytest.importorskip("onnx")


def test_a_relu_belongs_to_the_convolution_before_it(bodies):
    assert [(layer.name, layer.kind, layer.output) for layer in bodies.layers[:4]] == [
        ("colours", "Conv", "r1"),
        ("centre", "Conv", "r2"),
        ("louder", "Conv", "louder"),
        ("elu_node", "Elu", "elu"),
    ]
    first, second, third = (layer.conv for layer in bodies.layers[:3])
    assert (first.relu, first.strides, first.depthwise) == (True, (8, 8), False)
    assert (second.relu, second.pads, second.depthwise) == (True, (1, 1, 1, 1), True)
    assert not third.relu


def test_a_relu_stays_alone_where_something_else_reads_what_is_before_it():
    model = drawn_bodies.network(onnx)
    (add,) = [node for node in model.graph.node if node.op_type == "Add"]
    add.input[1] = "colours"
    kinds = [layer.kind for layer in read_network(model, source="x").layers[:2]]
    assert kinds == ["Conv", "Relu"]


def test_layers_that_share_weights_have_names_of_their_own():
    model = drawn_bodies.network(onnx)
    (paf,) = [node for node in model.graph.node if node.name == "paf"]
    paf.input[1:] = ["heat.weight", "heat.bias"]
    assert [layer.name for layer in read_network(model, source="x").layers[-2:]] == ["heat", "pafs"]


def test_nothing_quantized_is_the_same_model(bodies, batches, compute):
    ours = compute(build(bodies, Plan({}, {})), batches[0])
    for name, field in compute(bodies.proto, batches[0]).items():
        np.testing.assert_allclose(ours[name], field, atol=1e-6)


def quantized():
    model = drawn_bodies.network(onnx)
    model.graph.node[0].op_type = "QLinearConv"
    return model


def two_inputs():
    model = drawn_bodies.network(onnx)
    model.graph.input.append(onnx.helper.make_tensor_value_info("more", 1, [1]))
    return model


def no_convolution():
    model = drawn_bodies.network(onnx)
    del model.graph.node[:]
    return model


@pytest.mark.parametrize(
    ("model", "message"),
    [(quantized, "quantized already"), (two_inputs, "'more'"), (no_convolution, "no convolution")],
    ids=["quantized", "two inputs", "no convolution"],
)
def test_what_cannot_be_quantized_is_named(model, message):
    with pytest.raises(ModelError, match=f"hand.onnx.*{message}"):
        read_network(model(), source="hand.onnx")
