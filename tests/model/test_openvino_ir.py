"""Weights out of an OpenVINO IR compute what the IR computes."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from nimblepose.core.errors import ModelError
from nimblepose.model.importing import import_weights
from nimblepose.model.network import NetworkOptions

openvino = pytest.importorskip("openvino")

INT8 = "weights/human-pose-estimation-0001.xml"


def noise(size):
    return np.random.default_rng(0).integers(0, 256, (1, 3, *size)).astype(np.float32)


def assert_close(network, image, heatmaps, pafs, atol):
    with torch.inference_mode():
        fields = network(torch.from_numpy((image - 128) / 256))[-1]
    np.testing.assert_allclose(fields.heatmaps.numpy(), heatmaps, atol=atol, rtol=0)
    np.testing.assert_allclose(fields.pafs.numpy(), pafs, atol=atol, rtol=0)


def test_int8_weights_are_the_dequantized_ones(shared):
    """Activation ranges aside, which a float network does not have."""
    network, metadata = import_weights(shared / INT8)
    expected, _ = import_weights(shared / "weights/human-pose-estimation-0001-dequantised.safetensors")
    assert network.options == NetworkOptions(cpm="intel")
    assert metadata.licence == "Apache-2.0"
    image = noise((64, 96))
    with torch.inference_mode():
        fields = expected(torch.from_numpy((image - 128) / 256))[-1]
    assert_close(network, image, fields.heatmaps.numpy(), fields.pafs.numpy(), atol=1e-5)


def float_model(path):
    """The INT8 model with float weights and without activation ranges, as the FP16 and FP32 files are."""
    from openvino import opset13

    core = openvino.Core()
    model = core.read_model(path)
    convolutions = [op for op in model.get_ordered_ops() if "Convolution" in op.get_type_name()]
    weights = openvino.Model([op.input_value(1) for op in convolutions], [])
    folded = core.compile_model(weights, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})([])
    for i, op in enumerate(convolutions):
        value = opset13.constant(folded[i].astype(np.float16))
        op.input(1).replace_source_output(value.output(0))
    for op in model.get_ordered_ops():
        if op.get_type_name() == "FakeQuantize":
            op.output(0).replace(op.input_value(0))
    return model


@pytest.mark.parametrize("half", [True, False], ids=["FP16", "FP32"])
def test_a_float_ir_computes_the_same_in_openvino_and_here(shared, tmp_path, half):
    path = tmp_path / "human-pose-estimation-0001.xml"
    openvino.save_model(float_model(shared / INT8), path, compress_to_fp16=half)
    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    image = noise((256, 456))
    outputs = compiled(image)
    network, _ = import_weights(path)
    assert_close(network, image, outputs["Mconv7_stage2_L2"], outputs["Mconv7_stage2_L1"], atol=1e-5)


def test_another_network_is_refused(tmp_path):
    from openvino import opset13

    data = opset13.parameter([1, 3, 8, 8], np.float32)
    other = opset13.convolution(
        data, opset13.constant(np.ones((4, 3, 1, 1), np.float32)), [1, 1], [0, 0], [0, 0], [1, 1]
    )
    openvino.save_model(openvino.Model([other], [data]), tmp_path / "other.xml")
    with pytest.raises(ModelError, match="not human-pose-estimation-0001"):
        import_weights(tmp_path / "other.xml")


def test_the_bin_must_lie_beside_the_xml(shared, tmp_path):
    (tmp_path / "a.xml").write_bytes((shared / INT8).read_bytes())
    with pytest.raises(ModelError, match=r"a\.bin"):
        import_weights(tmp_path / "a.xml")


def test_a_broken_xml_is_our_error(tmp_path):
    (tmp_path / "a.xml").write_text("<net")
    (tmp_path / "a.bin").write_bytes(b"")
    with pytest.raises(ModelError, match=r"a\.xml"):
        import_weights(tmp_path / "a.xml")


@pytest.mark.parametrize("mean_first", [True, False], ids=["(x - 128) * s", "x * s - 128 s"])
def test_the_irs_own_normalisation_moves_into_the_first_weights(shared, tmp_path, mean_first):
    """Whichever way round the file normalises, and with the constant on either side."""
    from openvino import opset13

    model = float_model(shared / INT8)
    data = model.get_parameters()[0]
    first = next(op for op in model.get_ordered_ops() if op.get_friendly_name() == "conv1")
    picture = opset13.convert(data, np.float32)
    if mean_first:
        normalised = opset13.multiply(opset13.constant(np.float32(0.004)), opset13.subtract(picture, np.float32(128)))
    else:
        normalised = opset13.add(opset13.multiply(picture, np.float32(0.004)), np.float32(-0.512))
    first.input(0).replace_source_output(opset13.convert(normalised, first.get_input_element_type(0)).output(0))
    path = tmp_path / "a.xml"
    openvino.save_model(model, path, compress_to_fp16=False)
    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    image = noise((256, 456))
    outputs = compiled(image)
    network, _ = import_weights(path)
    assert_close(network, image, outputs["Mconv7_stage2_L2"], outputs["Mconv7_stage2_L1"], atol=1e-5)
