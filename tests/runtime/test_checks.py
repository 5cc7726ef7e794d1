"""Models of strangers: what does not fit its metadata is refused when it is opened, once, and says why."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from nimblepose.core.errors import MissingPackageError, ModelError
from nimblepose.core.metadata import InputSpec, ModelMetadata
from nimblepose.core.skeleton import HUMAN_18
from nimblepose.runtime.backends import open_backend
from nimblepose.runtime.checks import check_model, check_openvino
from nimblepose.runtime.protocols import Fields

onnx = pytest.importorskip("onnx")

RUNTIMES = ["onnxruntime", "openvino"]


@pytest.fixture(params=RUNTIMES)
def runtime(request):
    pytest.importorskip(request.param)
    return request.param


@pytest.fixture
def changed(tiny, tmp_path):
    """The tiny network with other metadata, or another graph."""

    def write(change=lambda proto: None, **facts):
        proto = onnx.load(tiny.onnx)
        metadata = ModelMetadata.from_strings({p.key: p.value for p in proto.metadata_props}, source="tiny")
        onnx.helper.set_model_props(proto, dataclasses.replace(metadata, **facts).to_strings())
        change(proto)
        onnx.save(proto, tmp_path / "strange.onnx")
        return tmp_path / "strange.onnx"

    return write


@pytest.mark.parametrize("stride", [4, 16])
def test_another_stride_is_refused_with_both_shapes(changed, runtime, stride):
    path = changed(input=InputSpec(channels="rgb", stride=stride))
    cells = f"{8 * stride // 8} x {16 * stride // 8}"
    with pytest.raises(ModelError, match=rf"strange\.onnx: heatmaps are 1 x 18 x {cells} where .* 1 x 18 x 8 x 16"):
        open_backend(path, runtime)


def test_another_skeleton_is_refused(changed, runtime):
    with pytest.raises(ModelError, match=r"heatmaps are 1 x 18 .* where 18 keypoints, 19 limbs .* 1 x 19 x 8 x 16"):
        open_backend(changed(skeleton=HUMAN_18), runtime)


def test_another_type_of_input_is_refused(changed, runtime):
    path = changed(input=InputSpec(channels="rgb", mean=0, scale=1, dtype="uint8"))
    with pytest.raises(ModelError, match=r"strange\.onnx: by its metadata it (takes uint8|has one input of uint8)"):
        open_backend(path, runtime)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_fields_that_are_no_numbers_are_refused_by_name(changed, runtime, value):
    def spoil(proto):
        last = next(node for node in proto.graph.node if node.output[0] == "heatmaps")
        weights = next(constant for constant in proto.graph.initializer if constant.name == last.input[1])
        weights.CopyFrom(onnx.numpy_helper.from_array(np.full(weights.dims, value, np.float32), weights.name))

    with pytest.raises(ModelError, match=r"strange\.onnx: its heatmaps hold NaN or infinite values"):
        open_backend(changed(spoil), runtime)


def test_a_second_input_is_refused(changed, runtime):
    def add(proto):
        proto.graph.input.append(onnx.helper.make_tensor_value_info("more", onnx.TensorProto.FLOAT, [1]))
        proto.graph.node.append(onnx.helper.make_node("Identity", ["more"], ["less"]))
        proto.graph.output.append(onnx.helper.make_tensor_value_info("less", onnx.TensorProto.FLOAT, [1]))

    with pytest.raises(ModelError, match=r"strange\.onnx: by its metadata it .*(more|float32, float32)"):
        open_backend(changed(add), runtime)


def test_outputs_of_other_names_are_refused(changed):
    def rename(proto):
        for node in proto.graph.node:
            node.output[:] = ["belief" if name == "heatmaps" else name for name in node.output]
        proto.graph.output[0].name = "belief"

    with pytest.raises(ModelError, match=r"strange\.onnx: by its metadata it .* gives heatmaps and pafs; tried"):
        open_backend(changed(rename))


def test_a_checkpoint_is_looked_at_in_the_same_way(tiny, tmp_path):
    from nimblepose.model.checkpoint import load_checkpoint, save_checkpoint

    network, metadata = load_checkpoint(tiny.checkpoint)
    save_checkpoint(
        network, dataclasses.replace(metadata, input=InputSpec(stride=16)), tmp_path / "strange.safetensors"
    )
    with pytest.raises(ModelError, match=r"stride 16"):
        open_backend(tmp_path / "strange.safetensors")


# Terminals -----------------------------------------------------------------------------------------------------------


def test_what_terminals_obey_is_shown_and_not_obeyed(changed):
    path = changed(origin="me\x1b]0;title\x07\nlicence: MIT", licence="MIT\x1b[2J")
    metadata = open_backend(path).metadata
    assert metadata.origin == r"me\x1b]0;title\x07 licence: MIT"
    assert metadata.licence == r"MIT\x1b[2J"


def test_names_of_layers_in_a_runtimes_own_words_are_made_harmless(changed, runtime, capfd):
    def rename(proto):
        proto.graph.node[0].name = "conv\x1b[31m"
        proto.graph.node[0].op_type = "Convolute\x1b[31m"

    with pytest.raises(ModelError) as caught:
        open_backend(changed(rename), runtime)
    assert "\x1b" not in str(caught.value)
    captured = capfd.readouterr()
    assert "\x1b[31m" not in captured.out + captured.err


# OpenVINO and signed activations -------------------------------------------------------------------------------------


def stored(kind, *, joined):
    """Two tensors in 8 bits, joined or not, into a convolution with stored weights."""
    constants = {
        "step": np.float32(0.1),
        "other": np.float32(0.03),
        "zero": np.zeros((), kind) if kind == np.int8 else np.array(128, kind),
        "weight": np.array([[50, 20, 7, 9, 33, 11][: 6 if joined else 3]], np.int8)[..., None, None],
        "steps": np.full(1, 0.01, np.float32),
        "zeros": np.zeros(1, np.int8),
    }
    make = onnx.helper.make_node
    nodes = [
        make("QuantizeLinear", ["image", "step", "zero"], ["a"]),
        make("DequantizeLinear", ["a", "step", "zero"], ["real_a"]),
        make("Relu", ["real_a"], ["b"]),
        make("QuantizeLinear", ["b", "other", "zero"], ["stored_b"]),
        make("DequantizeLinear", ["stored_b", "other", "zero"], ["real_b"]),
        make("DequantizeLinear", ["weight", "steps", "zeros"], ["real_weight"], axis=0),
    ]
    if joined:
        nodes.append(make("Concat", ["real_a", "real_b"], ["both\x1b"], axis=1))
    nodes.append(make("Conv", ["both\x1b" if joined else "real_b", "real_weight"], ["out"]))
    graph = onnx.helper.make_graph(
        nodes,
        "stored",
        [onnx.helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, ["b", 3, "h", "w"])],
        [onnx.helper.make_tensor_value_info("out", onnx.TensorProto.FLOAT, None)],
        [onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)


@pytest.mark.parametrize(
    ("kind", "joined", "good"), [(np.int8, True, False), (np.int8, False, True), (np.uint8, True, True)]
)
def test_signed_values_joined_before_a_convolution_are_not_given_to_openvino(kind, joined, good, tmp_path):
    openvino = pytest.importorskip("openvino")
    model = openvino.Core().read_model(stored(kind, joined=joined).SerializeToString())
    if good:
        check_openvino(model, InputSpec(), tmp_path / "a.onnx")
        return
    with pytest.raises(ModelError, match=r"a\.onnx: its Concat both\\x1b brings signed .* --backend onnxruntime"):
        check_openvino(model, InputSpec(), tmp_path / "a.onnx")


# The trial -----------------------------------------------------------------------------------------------------------


class Answering:
    """A model that answers as it is told, and remembers what it was asked."""

    def __init__(self, metadata, change=lambda fields: fields):
        self.metadata, self.change, self.asked = metadata, change, []

    def run(self, batch):
        self.asked.append(batch)
        skeleton, (_, _, height, width) = self.metadata.skeleton, batch.shape
        size = height // self.metadata.input.stride, width // self.metadata.input.stride
        heatmaps, pafs = (
            np.zeros((1, n, *size), np.float32) for n in (skeleton.heatmap_channels, skeleton.paf_channels)
        )
        return self.change(Fields(heatmaps, pafs))


def facts(**options):
    return ModelMetadata(skeleton=HUMAN_18, input=InputSpec(**options), licence="MIT", origin="a test")


@pytest.mark.parametrize(
    ("options", "low", "high"),
    [({}, -0.5, 0.5), ({"mean": 0, "scale": 1}, 0, 255), ({"mean": 0, "scale": 1, "dtype": "uint8"}, 0, 255)],
)
def test_a_model_is_tried_with_noise_of_the_range_and_type_it_takes(options, low, high):
    model = Answering(facts(**options))
    check_model(model, Path("a.onnx"))
    (batch,) = model.asked
    assert batch.dtype == model.metadata.input.dtype
    assert batch.shape[:2] == (1, 3)
    assert batch.shape[2] != batch.shape[3], "height and width are told apart"
    assert all(side % model.metadata.input.stride == 0 for side in batch.shape[2:])
    assert batch.min() == pytest.approx(low, abs=0.02 * (high - low))
    assert batch.max() == pytest.approx(high, abs=0.02 * (high - low))


@pytest.mark.parametrize("field", ["heatmaps", "pafs"])
@pytest.mark.parametrize(("value", "said"), [(np.nan, "NaN or infinite"), (-np.inf, "NaN or infinite")])
def test_one_value_that_is_no_number_is_enough(field, value, said):
    def spoil(fields):
        getattr(fields, field)[0, -1, -1, -1] = value
        return fields

    with pytest.raises(ModelError, match=f"its {field} hold {said}"):
        check_model(Answering(facts(), spoil), Path("a.onnx"))


@pytest.mark.parametrize("field", ["heatmaps", "pafs"])
@pytest.mark.parametrize("axis", [1, 2, 3])
def test_a_field_of_another_size_is_named_with_both(field, axis):
    def double(fields):
        return fields._replace(**{field: np.repeat(getattr(fields, field), 2, axis=axis)})

    with pytest.raises(ModelError, match=rf"{field} are 1 x \d+ x \d+ x \d+ where 18 keypoints, .* demand 1 x"):
        check_model(Answering(facts(), double), Path("a.onnx"))


@pytest.mark.parametrize(("raised", "said"), [(ValueError("too wide"), "too wide"), (KeyError(), r"KeyError\(\)")])
def test_whatever_a_runtime_raises_is_told_with_what_was_tried(raised, said):
    def fail(fields):
        raise raised

    with pytest.raises(ModelError, match=rf"takes float32 of 1 x 3 x 64 x 128 \(.* stride 8\).* it does not: {said}"):
        check_model(Answering(facts(), fail), Path("a.onnx"))


def test_what_we_raise_ourselves_is_told_as_it_is():
    def fail(fields):
        raise MissingPackageError("as it is")

    with pytest.raises(MissingPackageError, match="as it is"):
        check_model(Answering(facts(), fail), Path("a.onnx"))
