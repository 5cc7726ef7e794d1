"""Surgery on our ONNX files changes what they take, never what they find."""

import numpy as np
import pytest

from nimblepose.core.errors import ModelError
from nimblepose.core.metadata import InputSpec
from nimblepose.runtime.models import PACKAGED

onnx = pytest.importorskip("onnx")

from nimblepose.convert.deploy.native import run_onnx
from nimblepose.convert.deploy.onnx_forms import (
    clear_value_info,
    dequantize,
    is_quantized,
    read_metadata,
    take_numbers,
    to_floats,
)
from nimblepose.convert.export import take_pixels


@pytest.fixture(scope="module")
def human():
    return onnx.load(PACKAGED["human"].path)


def run(proto, batch):
    return run_onnx(proto.SerializeToString())(batch)


def pixels(height=64, width=96):
    return np.random.default_rng(0).integers(0, 256, (1, 3, height, width), np.uint8)


def test_numbers_instead_of_pixels_give_the_same_fields(human):
    before = human.SerializeToString()
    numbers = take_numbers(human)
    assert human.SerializeToString() == before
    assert read_metadata(numbers).input == InputSpec()
    given = (pixels().astype(np.float32) - 128) / 256
    for ours, theirs in zip(run(numbers, given), run(human, pixels()), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=0.06)  # the first layer sees no stored integers
        assert np.abs(ours - theirs).mean() < 2e-3


def test_a_ramp_of_pixels_is_what_the_node_made_of_it(human):
    spec = read_metadata(take_numbers(human)).input
    ramp = (np.array([0, 128, 255], np.float32) - spec.mean) * spec.scale
    np.testing.assert_allclose(ramp, [-0.5, 0, 0.49609375])


def test_numbers_to_pixels_and_back_is_the_same_file(tiny):
    proto = clear_value_info(onnx.load(tiny.onnx))
    back = take_numbers(take_pixels(proto))
    assert read_metadata(back).input == read_metadata(proto).input
    assert [node.op_type for node in back.graph.node] == [node.op_type for node in proto.graph.node]
    given = np.random.default_rng(0).uniform(-1, 1, (1, 3, 64, 96)).astype(np.float32)
    for ours, theirs in zip(run(back, given), run(proto, given), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_metadata_stay_byte_for_byte_where_nothing_changes(tiny):
    proto = onnx.load(tiny.onnx)
    assert list(take_numbers(proto).metadata_props) == list(proto.metadata_props)


def test_everything_but_the_input_is_kept_of_metadata_that_change(human):
    before, after = read_metadata(human), read_metadata(take_numbers(human))
    assert (after.skeleton, after.licence, after.origin) == (before.skeleton, before.licence, before.origin)
    assert after.scorer.to_dict() == before.scorer.to_dict()
    assert after.prior.to_dict() == before.prior.to_dict()


def test_floats_have_no_integers_left_and_nearly_the_same_fields(human):
    floats = to_floats(human)
    assert not is_quantized(floats)
    assert {node.op_type for node in floats.graph.node} == {"Add", "Concat", "Conv", "Elu", "Relu"}
    assert {tensor.data_type for tensor in floats.graph.initializer} == {onnx.TensorProto.FLOAT}
    given = (pixels(256, 320).astype(np.float32) - 128) / 256
    for ours, theirs in zip(run(floats, given), run(take_numbers(human), given), strict=True):
        assert 0 < np.abs(ours - theirs).mean() < 2e-3


def test_weights_are_dequantized_as_onnx_does():
    stored = np.random.default_rng(0).integers(-100, 100, (4, 2, 3, 3)).astype(np.int8)
    scale, zero = np.array([0.5, 0.25, 2, 1], np.float32), np.array([0, 1, -2, 3], np.int8)
    node = onnx.helper.make_node("DequantizeLinear", ["x", "s", "z"], ["y"], axis=0)
    from onnx.reference import ReferenceEvaluator

    [truth] = ReferenceEvaluator(node).run(None, {"x": stored, "s": scale, "z": zero})
    np.testing.assert_array_equal(dequantize(stored, scale, zero, axis=0), truth)
    np.testing.assert_array_equal(dequantize(stored, scale[1], zero[1]), (stored.astype(np.float32) - 1) / 4)


def test_sizes_between_nodes_are_cleared_in_a_copy(tiny):
    proto = onnx.load(tiny.onnx)
    proto.graph.value_info.add().name = "relu"
    assert not clear_value_info(proto).graph.value_info
    assert len(proto.graph.value_info) == 1


def test_pixels_that_go_elsewhere_are_refused(human):
    wrong = onnx.ModelProto()
    wrong.CopyFrom(human)
    wrong.graph.node[0].op_type = "Cast"
    with pytest.raises(ModelError, match="they go to Cast"):
        take_numbers(wrong)
