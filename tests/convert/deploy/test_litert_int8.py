"""An int8 file of ours is LiteRT's with the same integers; skipped where LiteRT's package is missing."""

import json

import numpy as np
import pytest

pytest.importorskip("onnx")
schema = pytest.importorskip("ai_edge_litert.schema_py_generated", reason="pip install 'nimblepose[litert]'")

import onnx

from nimblepose.convert.deploy.exporting import export_for
from nimblepose.convert.deploy.litert_file import add_metadata
from nimblepose.convert.deploy.litert_int8 import open_litert_int8, write_litert_int8
from nimblepose.convert.deploy.native import run_onnx
from nimblepose.convert.deploy.onnx_forms import read_metadata
from nimblepose.convert.export import take_pixels
from nimblepose.convert.quantization.equalisation import equalise
from nimblepose.convert.quantization.layers import read_network
from nimblepose.convert.quantization.plan import make_plan
from nimblepose.convert.quantization.qdq import build
from nimblepose.convert.quantization.statistics import observe
from nimblepose.core.errors import ModelError
from nimblepose.runtime.models import PACKAGED

HUMAN = PACKAGED["human"].path
KINDS = {number: name for name, number in vars(schema.BuiltinOperator).items() if not name.startswith("_")}


def make_batches(kind=np.float32):
    """Of sizes at which LiteRT's own padding would begin elsewhere, the first of them twice."""
    rng = np.random.default_rng(0)
    pixels = [rng.integers(0, 256, (1, 3, *size), np.uint8) for size in ((64, 96), (80, 40), (64, 96))]
    return [((one - np.float32(120)) / 128 if kind is np.float32 else one).astype(kind) for one in pixels]


def quantize(proto, *, stay_float=()):
    network = read_network(proto, source="a test")
    network, statistics = equalise(network, observe(network, make_batches()))
    plan = make_plan(network, statistics, read_metadata(proto).input)
    return build(network, plan, stay_float=[*network.outputs, *stay_float])


def read(path):
    return schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)


def list_operators(model):
    """Kind of each operator and the type of its first input."""
    graph = model.subgraphs[0]
    for operator in graph.operators:
        yield KINDS[model.operatorCodes[operator.opcodeIndex].builtinCode], graph.tensors[operator.inputs[0]].type


def check_same(proto, folder, batches, *, largest, mean):
    [name] = write_litert_int8(proto, folder, "model")
    ours, theirs = open_litert_int8(folder / name), run_onnx(proto.SerializeToString())
    for batch in batches:
        for found, expected in zip(ours(batch), theirs(batch), strict=True):
            assert found.shape == expected.shape
            off = np.abs(found - expected)
            assert off.max() <= largest
            assert off.mean() <= mean
    return read(folder / name)


@pytest.fixture(scope="module")
def human(tmp_path_factory):
    before, folder = HUMAN.read_bytes(), tmp_path_factory.mktemp("litert")
    report = export_for("human", "litert-int8", folder)
    assert HUMAN.read_bytes() == before
    return report, read(next(iter(report.files)))


def test_the_same_people_within_the_limits_of_integers(human):
    report, _ = human
    for one in report.differences["LiteRT"].values():
        assert (one.people, one.same_keypoints) == ((3, 3), True)
        assert one.heatmaps <= 0.06
        assert one.pafs <= 0.07
        assert one.mean <= 4e-4
    assert len(report.differences["LiteRT"]) == 3
    assert report.finds_swapped
    assert next(iter(report.files.values())) < 4.6e6


def test_integers_and_steps_are_those_of_the_onnx_file(human):
    _, model = human
    constants = {c.name: onnx.numpy_helper.to_array(c) for c in onnx.load(HUMAN).graph.initializer}
    tensors = {tensor.name.decode(): tensor for tensor in model.subgraphs[0].tensors}
    data = lambda tensor, kind: np.asarray(model.buffers[tensor.buffer].data, np.uint8).view(kind)  # noqa: E731
    name = "network.model.1.3"
    weight, stored = tensors["relu_2/weight"], constants[f"{name}.weight/stored"]
    np.testing.assert_array_equal(
        data(weight, np.int8).reshape(weight.shape), stored.transpose(0, 2, 3, 1)
    )  # out, rows, columns, in
    np.testing.assert_array_equal(weight.quantization.scale, constants[f"{name}.weight/step"])
    np.testing.assert_array_equal(data(tensors["relu_2/bias"], np.int32), constants[f"{name}.bias/stored"])
    assert tensors["relu_2"].quantization.scale == constants["relu_2/step"]
    assert tensors["relu_2"].quantization.zeroPoint == int(constants["relu_2/zero"]) - 128
    depthwise, stored = tensors["relu_1/weight"], constants["network.model.1.0.weight/stored"]
    np.testing.assert_array_equal(data(depthwise, np.int8).reshape(3, 3, 32), stored[:, 0].transpose(1, 2, 0))


def test_only_the_heads_are_computed_in_numbers(human):
    kinds = [kind for kind, first in list_operators(human[1]) if first == schema.TensorType.FLOAT32]
    assert kinds == ["CONV_2D", "CONV_2D"]
    assert sum("CONV_2D" in kind for kind, _ in list_operators(human[1])) == 58


def test_metadata_and_layout_are_told(human):
    report, model = human
    [truth] = [p.value for p in onnx.load(HUMAN).metadata_props]
    [entry] = model.metadata
    assert entry.name == b"nimblepose"
    assert bytes(model.buffers[entry.buffer].data).decode() == truth
    told = json.loads(next(path for path in report.files if path.suffix == ".json").read_text("utf-8"))
    assert (told["input"]["layout"], told["input"]["type"]) == ("NHWC", "uint8")
    assert [output["layout"] for output in told["outputs"]] == ["NHWC", "NHWC"]


def test_metadata_are_added_to_a_file_that_stays_as_it_is(human, tmp_path):
    report, before = human
    path = tmp_path / "more.tflite"
    path.write_bytes(add_metadata(next(iter(report.files)).read_bytes(), {"told": "größer"}))
    after = read(path)
    assert [entry.name for entry in after.metadata] == [b"nimblepose", b"told"]
    assert bytes(after.buffers[after.metadata[1].buffer].data).decode() == "größer"
    assert list(list_operators(after)) == list(list_operators(before))
    batch = np.zeros((1, 3, 64, 96), np.uint8)
    for ours, theirs in zip(
        open_litert_int8(path)(batch), open_litert_int8(next(iter(report.files)))(batch), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("pixels", [False, True])
def test_numbers_or_pixels_are_taken_as_the_file_takes_them(tiny, tmp_path, pixels):
    proto = quantize(onnx.load(tiny.onnx))
    if pixels:
        model = check_same(take_pixels(proto), tmp_path, make_batches(np.uint8), largest=0.1, mean=5e-3)
    else:
        model = check_same(proto, tmp_path, make_batches(), largest=0.1, mean=5e-3)
    kind = model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]].type
    assert kind == (schema.TensorType.UINT8 if pixels else schema.TensorType.FLOAT32)


def test_a_layer_that_stays_float_goes_there_and_back(tiny, tmp_path):
    proto = onnx.load(tiny.onnx)
    layers = [layer for layer in read_network(proto, source="a test").layers if layer.conv]
    before = check_same(quantize(proto), tmp_path, make_batches(), largest=0.1, mean=5e-3)
    after = check_same(quantize(proto, stay_float=[layers[5].output]), tmp_path, make_batches(), largest=0.1, mean=5e-3)
    count = lambda model, name: [kind for kind, _ in list_operators(model)].count(name)  # noqa: E731
    for kind in ("QUANTIZE", "DEQUANTIZE"):
        assert count(after, kind) == count(before, kind) + 1


def test_floats_are_refused_with_the_way_round(tiny, tmp_path):
    with pytest.raises(ModelError, match=r"takes an int8 model.*`nimblepose quantize`.*--to litert$"):
        export_for(tiny.onnx, "litert-int8", tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("fault", ["kind", "zero", "pads"])
def test_what_our_networks_do_not_have_is_refused(tiny, tmp_path, fault):
    proto = quantize(onnx.load(tiny.onnx))
    node = next(node for node in proto.graph.node if node.op_type == "Conv")
    if fault == "kind":
        node.op_type = "ConvTranspose"
    elif fault == "pads":
        next(one for one in node.attribute if one.name == "pads").ints[:] = [0, 0, 1, 1]
    else:
        zero = next(c for c in proto.graph.initializer if c.name.endswith("weight/zero"))
        zero.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(zero) + np.int8(1), zero.name))
    with pytest.raises(ModelError, match="nothing that a network of ours has"):
        write_litert_int8(proto, tmp_path, "model")
