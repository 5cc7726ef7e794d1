"""The file computes what was planned, in 8 bits, alike in every runtime and on every processor."""

import numpy as np
import pytest
from drawn_bodies import METADATA

from nimblepose.convert.quantization.equalisation import equalise
from nimblepose.convert.quantization.plan import make_plan
from nimblepose.convert.quantization.qdq import build
from nimblepose.convert.quantization.rounding import DENSE_LIMIT
from nimblepose.convert.quantization.statistics import observe

onnx = pytest.importorskip("onnx")


@pytest.fixture(scope="module")
def calibrated(bodies, batches):
    network, statistics = equalise(bodies, observe(bodies, batches))
    return network, make_plan(network, statistics, METADATA.input)


@pytest.fixture(scope="module")
def model(calibrated):
    network, plan = calibrated
    return build(network, plan, stay_float=network.outputs)


def test_the_fields_are_near(model, bodies, batches, compute):
    for batch in batches:
        truth, found = compute(bodies.proto, batch), compute(model, batch)
        np.testing.assert_allclose(found["heatmaps"], truth["heatmaps"], atol=0.03)
        np.testing.assert_allclose(found["pafs"], truth["pafs"], atol=0.03)


def test_integers_do_not_overflow_on_this_processor(model, batches, compute):
    for batch in batches:
        exact, ours = compute(model, batch, optimised=False), compute(model, batch)
        for name in exact:
            np.testing.assert_allclose(ours[name], exact[name], atol=0.01)


def test_dense_weights_are_small_enough_for_every_processor(calibrated):
    """255 * 64 + 255 * 64 fits the 16 bits in which x86 without VNNI adds two products; 65 would not."""
    network, plan = calibrated
    dense = [layer.output for layer in network.layers if layer.conv and not layer.conv.depthwise]
    assert all(np.abs(plan.weights[output].integers.astype(int)).max() <= DENSE_LIMIT for output in dense)
    assert 2 * 255 * DENSE_LIMIT < 2**15


def test_openvino_computes_the_same(model, batches, compute):
    ov = pytest.importorskip("openvino")
    core = ov.Core()
    compiled = core.compile_model(core.read_model(model.SerializeToString()), "CPU")
    found = compiled([batches[0]])
    for name, field in compute(model, batches[0], optimised=False).items():
        np.testing.assert_allclose(found[name], field, atol=0.02)


def test_any_batch_and_size(model, compute):
    fields = compute(model, np.zeros((3, 3, 40, 200), np.float32))
    assert fields["heatmaps"].shape == (3, 4, 5, 25)


def test_what_is_stored_has_8_bits(model):
    stored = {entry.name: entry.data_type for entry in model.graph.initializer}
    assert stored["colours.weight/stored"] == onnx.TensorProto.INT8
    assert stored["colours.bias/stored"] == onnx.TensorProto.INT32
    assert stored["heat.weight"] == onnx.TensorProto.FLOAT
    assert "colours.weight" not in stored


def test_metadata_inputs_and_outputs_stay(model, bodies):
    assert model.metadata_props == bodies.proto.metadata_props
    assert model.graph.input == bodies.proto.graph.input
    assert model.graph.output == bodies.proto.graph.output


def test_layers_that_stay_float_have_nothing_stored_between_them(calibrated):
    network, plan = calibrated
    model = build(network, plan, stay_float=["louder", "elu", "r3", *network.outputs])
    made = {node.output[0] for node in model.graph.node}
    assert "r2/stored" in made, "written in 8 bits"
    assert not {"louder/stored", "elu/stored"} & made
    assert "r3/stored" in made, "read in 8 bits"


def test_outputs_may_be_stored_too(calibrated, bodies, batches, compute):
    model = build(*calibrated)
    assert "heatmaps/stored" in {node.output[0] for node in model.graph.node}
    truth, found = compute(bodies.proto, batches[0]), compute(model, batches[0])
    np.testing.assert_allclose(found["heatmaps"], truth["heatmaps"], atol=0.04)


def test_an_unknown_operator_is_computed_in_float(model):
    (mul,) = [node for node in model.graph.node if node.op_type == "Mul"]
    assert mul.input[0] == "sum/real"


def test_the_same_twice(bodies, batches, model):
    network, statistics = equalise(bodies, observe(bodies, batches))
    plan = make_plan(network, statistics, METADATA.input)
    assert build(network, plan, stay_float=network.outputs).SerializeToString() == model.SerializeToString()
