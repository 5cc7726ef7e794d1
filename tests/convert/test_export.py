"""An exported file computes what torch computes, in every runtime and at every size, and says what it is."""

import dataclasses
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from nimblepose import PoseEstimator
from nimblepose.core.errors import MediaError, ModelError
from nimblepose.core.metadata import InputSpec, ModelMetadata
from nimblepose.core.skeleton import COCO_17

torch = pytest.importorskip("torch")
onnxruntime = pytest.importorskip("onnxruntime")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

from nimblepose.convert.export import ExportReport, export_onnx, take_pixels
from nimblepose.convert.model_files import write_with_metadata
from nimblepose.model.importing import import_weights
from nimblepose.model.network import NetworkOptions, build_network
from nimblepose.runtime.backends import open_backend
from nimblepose.runtime.models import PACKAGED

METADATA = ModelMetadata(skeleton=COCO_17, input=InputSpec(channels="rgb"), licence="MIT", origin="a test")
SIZES = [(1, 8, 8), (1, 64, 96), (3, 128, 40)]


@pytest.fixture(scope="module")
def network():
    options = NetworkOptions(width=0.25, channels=16, initial_head_channels=16, cpm="intel", refinement_stages=1)
    return build_network(options, COCO_17, seed=0).eval()


@pytest.fixture(scope="module")
def picture():
    return np.random.default_rng(1).integers(0, 256, (77, 99, 3), np.uint8)


class Exported(NamedTuple):
    report: ExportReport
    was_training: bool


@pytest.fixture(scope="module")
def exported(network, picture, tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    metadata = dataclasses.replace(METADATA, network=network.options.to_dict())
    report = export_onnx(network.train(), metadata, path, pictures=[picture])
    was_training = network.training
    network.eval()
    return Exported(report, was_training)


def fields(network, image):
    with torch.inference_mode():
        last = network(torch.from_numpy(image))[-1]
    return last.heatmaps.numpy(), last.pafs.numpy()


def noise(size):
    batch, height, width = size
    return np.random.default_rng(0).uniform(-0.5, 0.5, (batch, 3, height, width)).astype(np.float32)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_onnxruntime_computes_the_last_stage(exported, network, size):
    session = onnxruntime.InferenceSession(exported.report.path, providers=["CPUExecutionProvider"])
    found = session.run(["heatmaps", "pafs"], {"image": noise(size)})
    for ours, theirs in zip(found, fields(network, noise(size)), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4, rtol=0)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_openvino_computes_the_last_stage(exported, network, size):
    openvino = pytest.importorskip("openvino")
    compiled = openvino.Core().compile_model(exported.report.path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = compiled(noise(size))
    for name, theirs in zip(("heatmaps", "pafs"), fields(network, noise(size)), strict=True):
        np.testing.assert_allclose(found[name], theirs, atol=1e-4, rtol=0)


def test_the_file_says_what_it_is_without_torch_or_onnx(exported, network):
    strings = onnxruntime.InferenceSession(exported.report.path).get_modelmeta().custom_metadata_map
    metadata = ModelMetadata.from_strings(strings, source="test")
    assert metadata == dataclasses.replace(METADATA, network=network.options.to_dict())


def test_the_graph_is_as_small_as_it_can_be(exported, network):
    """BatchNorm is folded, nothing computes shapes, and every convolution stands once."""
    assert set(exported.report.operators) == {"Add", "Concat", "Conv", "Elu", "Relu"}
    convolutions = [module for module in network.modules() if isinstance(module, torch.nn.Conv2d)]
    assert exported.report.operators["Conv"] == len(convolutions)
    assert exported.report.operators["Concat"] == network.options.refinement_stages


def test_the_file_says_nothing_of_the_machine_that_wrote_it(exported):
    """torch notes stack traces, with paths; nor does the model in the package."""
    for path in (exported.report.path, PACKAGED["human"].path):
        written = path.read_bytes()
        assert not [
            word for word in (b"stack_trace", b".py", b"site-packages", str(Path.home()).encode()) if word in written
        ]


def test_a_model_that_is_written_again_forgets_what_an_older_version_noted(exported, tmp_path):
    proto = onnx.load(exported.report.path)
    noted = proto.graph.node[0].metadata_props.add()
    noted.key, noted.value = "pkg.torch.onnx.stack_trace", "/home/somebody/export.py"
    onnx.save(proto, tmp_path / "old.onnx")
    write_with_metadata(tmp_path / "old.onnx", METADATA, tmp_path / "new.onnx")
    assert b"somebody" in (tmp_path / "old.onnx").read_bytes()
    assert b"somebody" not in (tmp_path / "new.onnx").read_bytes()
    assert onnx.load(tmp_path / "new.onnx").graph.node[0].input == proto.graph.node[0].input


def test_the_file_says_nothing_of_sizes_between_its_nodes(exported):
    """torch names them by a counter, the outputs are named by us: tract refuses a file that holds both."""
    assert not onnx.load(exported.report.path).graph.value_info


def test_the_report_names_every_checked_input(exported):
    assert len([name for name in exported.report.differences if name.startswith("random")]) == 2
    assert "picture 0" in exported.report.differences
    assert all(0 <= difference < 1e-4 for difference in exported.report.differences.values())
    assert exported.report.size == exported.report.path.stat().st_size


def test_a_network_in_training_stays_in_training_and_is_exported_in_evaluation(exported):
    """The fixture exported it in training; the other tests compare with evaluation."""
    assert exported.was_training


@pytest.mark.parametrize("fault", ["other weights", "nan"])
def test_a_file_that_differs_from_torch_is_never_left_behind(exported, network, tmp_path, monkeypatch, fault):
    other = build_network(network.options, COCO_17, seed=99)
    if fault == "nan":
        other.load_state_dict(network.state_dict())
        with torch.no_grad():
            other.initial_stage.pafs[0][0].weight[0] = torch.nan
    path = tmp_path / "model.onnx"
    path.write_bytes(b"old")
    monkeypatch.setattr("nimblepose.convert.export._to_proto", lambda *_: onnx.load(exported.report.path))
    with pytest.raises(ModelError, match="differs from torch"):
        export_onnx(other, METADATA, path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_public_weights_agree_in_all_runtimes(shared, tmp_path):
    """Fields of torch, ONNX Runtime and OpenVINO differ by less than 1e-3 on real pictures."""
    openvino = pytest.importorskip("openvino")
    from nimblepose.media.pictures import read_picture

    network, metadata = import_weights(shared / "weights/human-pose-estimation-0001-dequantised.safetensors")
    paths = sorted((shared / "data/coco-eval").rglob("*.jpg"))[:2]
    pictures = [read_picture(path)[:256, :256] for path in paths]
    report = export_onnx(network, metadata, tmp_path / "model.onnx", pictures=pictures)
    assert max(report.differences.values()) < 1e-3
    compiled = openvino.Core().compile_model(report.path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    for picture in pictures:
        height, width = (side // 8 * 8 for side in picture.shape[:2])
        image = (picture[:height, :width, ::-1].astype(np.float32) - 128) / 256
        image = np.ascontiguousarray(image.transpose(2, 0, 1)[None])
        found = compiled(image)
        for name, theirs in zip(("heatmaps", "pafs"), fields(network, image), strict=True):
            np.testing.assert_allclose(found[name], theirs, atol=1e-3, rtol=0)


@pytest.fixture(scope="module")
def taking_pixels(network, picture, tmp_path_factory):
    path = tmp_path_factory.mktemp("pixels") / "model.onnx"
    export_onnx(network, METADATA, path, pictures=[picture], pixels=True)
    return path


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_file_that_takes_pixels_answers_as_the_one_that_takes_numbers(exported, taking_pixels, runtime, size):
    pytest.importorskip(runtime)
    batch, height, width = size
    pixels = np.random.default_rng(0).integers(0, 256, (batch, 3, height, width), np.uint8)
    opened = open_backend(taking_pixels, runtime, threads=1)
    assert opened.metadata.input == InputSpec(channels="rgb", mean=0, scale=1, dtype="uint8")
    numbers = (pixels.astype(np.float32) - 128) / 256
    other = open_backend(exported.report.path, runtime, threads=1).run(numbers)
    for ours, theirs in zip(opened.run(pixels), other, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5, rtol=0)


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_an_estimator_sees_the_same_in_pixels(exported, taking_pixels, picture, runtime):
    pytest.importorskip(runtime)
    options = {"backend": runtime, "threads": 1, "input_height": 64, "flip": False, "scales": (0.5, 1.0)}
    estimators = [PoseEstimator(path, **options) for path in (taking_pixels, exported.report.path)]
    ours, theirs = (estimator.compute_fields([picture], estimator.place(picture)) for estimator in estimators)
    np.testing.assert_allclose(ours.heatmaps, theirs.heatmaps, atol=1e-5)
    np.testing.assert_allclose(ours.pafs, theirs.pafs, atol=1e-5)


def test_a_quantized_file_takes_pixels_as_its_own_eight_bits(exported):
    """Nothing is left between the pixels and the first convolution but the one node that says what they mean."""
    proto = onnx.load(exported.report.path)
    node, scale, zero = onnx.helper.make_node, np.array(1 / 255, np.float32), np.array(127, np.uint8)
    proto.graph.initializer.extend(
        onnx.numpy_helper.from_array(value, name) for value, name in ((scale, "s"), (zero, "z"))
    )
    first = next(one for one in proto.graph.node if "image" in one.input)
    first.input[0] = "pair"
    proto.graph.node.insert(0, node("DequantizeLinear", ["quantized", "s", "z"], ["pair"]))
    proto.graph.node.insert(0, node("QuantizeLinear", ["image", "s", "z"], ["quantized"]))
    before = proto.SerializeToString()
    taking = take_pixels(proto)
    assert proto.SerializeToString() == before
    assert [one.op_type for one in taking.graph.node[:2]] == ["DequantizeLinear", first.op_type]
    assert "QuantizeLinear" not in {one.op_type for one in taking.graph.node}
    with pytest.raises(ModelError, match="already"):
        take_pixels(taking)


def test_a_mean_between_two_pixel_values_is_refused(network, tmp_path):
    metadata = dataclasses.replace(METADATA, input=InputSpec(mean=127.5))
    with pytest.raises(ModelError, match=r"127\.5"):
        export_onnx(network, metadata, tmp_path / "model.onnx", pixels=True)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_our_error(exported, network, tmp_path, monkeypatch):
    monkeypatch.setattr("nimblepose.convert.export._to_proto", lambda *_: onnx.load(exported.report.path))
    with pytest.raises(MediaError, match="nowhere"):
        export_onnx(network, METADATA, tmp_path / "nowhere" / "model.onnx")
