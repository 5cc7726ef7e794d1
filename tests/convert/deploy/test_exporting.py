"""`export --to`: right in the target's own runtime, or nothing is written."""

import dataclasses
import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from nimblepose.core.errors import MediaError, ModelError, OptionError
from nimblepose.core.metadata import ModelMetadata
from nimblepose.media.pictures import read_picture
from nimblepose.runtime.models import DEMO_PICTURE, PACKAGED

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from nimblepose.convert.deploy import exporting
from nimblepose.convert.deploy.exporting import export_for, load_proto
from nimblepose.convert.deploy.native import open_classic_opencv, open_onnxruntime, open_opencv, open_openvino
from nimblepose.convert.deploy.onnx_forms import to_floats
from nimblepose.convert.deploy.sidecar import verify
from nimblepose.convert.deploy.targets import REFUSED, TARGETS
from nimblepose.core.geometry import Placement
from nimblepose.runtime.prepare import prepare
from nimblepose.runtime.protocols import Fields

HUMAN = PACKAGED["human"].path


def checksum(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The packaged int8 file of pixels in every form."""
    folder = tmp_path_factory.mktemp("forms")
    pytest.importorskip("openvino")
    reports = {name: export_for("human", name, folder) for name in ("onnx-float-input", "openvino", "ort")}
    return folder, reports


@pytest.fixture(scope="module")
def floats(tmp_path_factory):
    """The packaged model with its weights as floats, 16 MB."""
    path = tmp_path_factory.mktemp("floats") / "floats.onnx"
    onnx.save(to_floats(onnx.load(HUMAN)), path)
    return path


@pytest.mark.parametrize("target", ["onnx-float-input", "openvino", "ort"])
def test_integers_are_the_same_people_everywhere(exported, target):
    folder, reports = exported
    report = reports[target]
    assert sorted(path.name for path in report.files) == sorted(p.name for p in folder.glob(f"human-{target}.*"))
    assert all(path.stat().st_size == size for path, size in report.files.items())
    assert set(report.differences) == set(TARGETS[target].runtimes)
    for differences in report.differences.values():
        assert len(differences) == 3
        for one in differences.values():
            assert (one.people, one.same_keypoints) == ((3, 3), True)
            assert one.heatmaps <= 0.06
            assert one.pafs <= 0.07
            assert one.mean <= 4e-4
    assert report.finds_swapped


@pytest.mark.parametrize(("target", "largest"), [("onnx-float-input", 1e-4), ("openvino", 1e-5), ("ort", 1e-5)])
def test_floats_are_the_same_numbers(floats, tmp_path, target, largest):
    if target == "openvino":
        pytest.importorskip("openvino")
    report = export_for(floats, target, tmp_path)
    for differences in report.differences.values():
        for one in differences.values():
            assert one.people == (3, 3)
            assert max(one.heatmaps, one.pafs) <= largest
            assert one.pixels < 0.05


def test_weights_in_16_bits_are_half_as_large_and_nearly_the_same(tmp_path):
    pytest.importorskip("openvino")
    report = export_for("human", "openvino-float16", tmp_path)
    for one in report.differences["OpenVINO"].values():
        assert (one.people, one.same_keypoints) == ((3, 3), True)
        assert 1e-5 < one.heatmaps <= 0.01
        assert one.pafs <= 0.02
        assert one.pixels <= 0.5
    assert 8e6 < next(size for path, size in report.files.items() if path.suffix == ".bin") < 9e6


def test_opencv_finds_three_people_with_numbers_and_not_with_pixels(exported):
    """The classic engine ignores the zero point of pixels without a word: what this form is for."""
    folder, reports = exported
    spec = reports["onnx-float-input"].metadata.input
    picture = read_picture(DEMO_PICTURE)
    placement = Placement.fit(picture.shape[:2], 256)
    pixels = prepare([picture], placement, reports["ort"].metadata.input)
    truth = open_onnxruntime(HUMAN)(pixels)
    for engine in (open_opencv, open_classic_opencv):
        found = engine(folder / "human-onnx-float-input.onnx")(prepare([picture], placement, spec))
        for ours, theirs in zip(found, truth, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=0.07)
    wrong = open_classic_opencv(HUMAN)(pixels)
    assert np.abs(wrong.heatmaps - truth.heatmaps).max() > 0.2


def test_a_caller_of_opencv_needs_the_json_file_only(exported):
    """As somebody would write it who does not have this package."""
    folder, _ = exported
    told = json.loads((folder / "human-onnx-float-input.json").read_text("utf-8"))
    takes, check = told["input"], told["check"]
    pixels = np.array(check["pixels"], np.uint8).reshape(*check["size"], 3)
    network = cv2.dnn.readNetFromONNX(str(folder / told["files"][0]))
    means = {}
    for swap in (takes["channels"] == "bgr", takes["channels"] != "bgr"):
        blob = cv2.dnn.blobFromImage(pixels, takes["scale"], mean=(takes["mean"],) * 3, swapRB=swap)
        network.setInput(blob, takes["name"])
        found = network.forward([output["name"] for output in told["outputs"]])
        off = [np.abs(f.ravel() - check[n]).mean() for f, n in zip(found, ("heatmaps", "pafs"), strict=True)]
        means[swap] = max(off)
        assert [f.shape[1] for f in found] == [len(output["channels"]) for output in told["outputs"]]
    assert means[True] <= check["largest_mean_difference"] < means[False]


@pytest.mark.parametrize("fault", ["channels", "mean", "scale"])
def test_the_picture_of_the_json_file_finds_a_wrong_input(exported, tmp_path, fault):
    folder, _ = exported
    name = "human-onnx-float-input.json"
    run = open_onnxruntime(folder / "human-onnx-float-input.onnx")
    verify(folder / name, run)
    told = json.loads((folder / name).read_text("utf-8"))
    told["metadata"]["input"] |= {"channels": {"channels": "rgb"}, "mean": {"mean": 0}, "scale": {"scale": 1}}[fault]
    (tmp_path / name).write_text(json.dumps(told))
    with pytest.raises(ModelError, match="are channels, layout, mean and scale"):
        verify(tmp_path / name, run)


def test_something_else_is_no_sidecar(tmp_path):
    (tmp_path / "a.json").write_text('{"version": 1}')
    with pytest.raises(ModelError, match="no sidecar"):
        verify(tmp_path / "a.json", lambda _: None)


def test_the_json_file_holds_what_a_decoder_needs(exported):
    folder, _ = exported
    told = json.loads((folder / "human-ort.json").read_text("utf-8"))
    [(_, truth)] = [(p.key, p.value) for p in onnx.load(HUMAN).metadata_props]
    assert told["metadata"] == json.loads(truth)
    assert told["input"]["type"] == "uint8"
    assert told["outputs"][0]["channels"][-1] == "background"
    assert told["outputs"][1]["channels"][:2] == [["neck", "right_hip", "x"], ["neck", "right_hip", "y"]]
    assert told["decode"]["min_pose_score"] == 0.35
    assert told["decode"]["min_keypoints"] == 3
    assert told["decode"]["paf_offset"] == 7 / 16
    assert told["resize"]["a"] == -0.75


def test_metadata_are_in_the_forms_that_can_hold_them(exported):
    folder, _ = exported
    [truth] = [p.value for p in onnx.load(HUMAN).metadata_props]
    session = onnxruntime.InferenceSession(folder / "human-ort.ort", providers=["CPUExecutionProvider"])
    assert session.get_modelmeta().custom_metadata_map["nimblepose"] == truth
    import openvino

    model = openvino.Core().read_model(folder / "human-openvino.xml")
    assert model.get_rt_info(["framework", "nimblepose"]).astype(str) == truth


def test_the_ort_file_is_computed_in_integers_but_for_the_heads(exported, tmp_path):
    folder, _ = exported
    options = onnxruntime.SessionOptions()
    options.enable_profiling, options.profile_file_prefix = True, str(tmp_path / "profile")
    session = onnxruntime.InferenceSession(folder / "human-ort.ort", options, providers=["CPUExecutionProvider"])
    session.run(None, {"image": np.zeros((1, 3, 64, 64), np.uint8)})
    events = json.loads(Path(session.end_profiling()).read_text("utf-8"))
    kinds = [e["args"]["op_name"] for e in events if e["name"].endswith("_kernel_time")]
    assert kinds.count("QLinearConv") == 56
    assert sum("Conv" in kind for kind in kinds) == 58


def test_openvino_takes_the_checkpoint_too(tiny, tmp_path):
    pytest.importorskip("openvino")
    before = checksum(tiny.checkpoint)
    report = export_for(tiny.checkpoint, "openvino", tmp_path)
    assert checksum(tiny.checkpoint) == before
    [xml, *_] = report.files
    assert xml.name == "model-openvino.xml"
    batch = np.random.default_rng(0).uniform(-1, 1, (1, 3, 64, 96)).astype(np.float32)
    for ours, theirs in zip(open_openvino(xml)(batch), open_onnxruntime(tiny.onnx)(batch), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_opencv_takes_another_skeleton_and_other_numbers(tiny, tmp_path):
    report = export_for(tiny.onnx, "onnx-float-input", tmp_path)
    assert report.metadata.input == ModelMetadata.from_strings(
        onnxruntime.InferenceSession(tiny.onnx).get_modelmeta().custom_metadata_map, source="test"
    ).input  # fmt: skip
    told = json.loads((tmp_path / "model-onnx-float-input.json").read_text("utf-8"))
    assert [len(output["channels"]) for output in told["outputs"]] == [18, 38]
    assert (told["input"]["channels"], told["input"]["mean"]) == ("rgb", 120)


def test_a_runtime_that_finds_something_else_leaves_nothing_behind(tmp_path, monkeypatch):
    right = open_onnxruntime(HUMAN)

    def later_wrong(path):
        calls = []

        def run(batch):
            calls.append(1)
            found = right(batch)
            return found if len(calls) < 4 else Fields(found.heatmaps, np.roll(found.pafs, 1, axis=3))

        return run

    monkeypatch.setitem(TARGETS["ort"].runtimes, "ONNX Runtime", later_wrong)
    with pytest.raises(ModelError, match=r"nothing written: picture 0, 256 x 728 again: "):
        export_for("human", "ort", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_converter_that_only_says_so_is_not_believed(tmp_path, monkeypatch):
    silent = dataclasses.replace(TARGETS["ort"], write=lambda *_: ["nothing.ort"])
    monkeypatch.setattr(exporting, "find_target", lambda _: silent)
    with pytest.raises(ModelError, match=r"wrote no nothing\.ort"):
        export_for("human", "ort", tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("target", REFUSED)
def test_what_would_be_wrong_is_refused_with_the_way_round(tmp_path, target):
    with pytest.raises(OptionError, match=rf"--to {target}: .{{40,}}"):
        export_for("human", target, tmp_path)
    assert not list(tmp_path.iterdir())


def test_other_names_say_which_there_are(tmp_path):
    with pytest.raises(OptionError, match="no target 'tflite'; --to takes onnx, onnx-float-input"):
        export_for("human", "tflite", tmp_path)


def test_what_is_no_model_is_our_error(tmp_path):
    (tmp_path / "a.onnx").write_text("nonsense")
    with pytest.raises(ModelError, match=r"a\.onnx is not a readable ONNX file|carries no nimblepose metadata"):
        load_proto(tmp_path / "a.onnx")
    with pytest.raises(ModelError, match="no model file"):
        load_proto(tmp_path / "b.onnx")


@pytest.mark.parametrize("fault", ["file", "file above", "forbidden"])
def test_nowhere_to_write_to_is_said_before_anything_is_converted(tmp_path, monkeypatch, fault):
    monkeypatch.setattr(exporting, "load_proto", lambda _: pytest.fail("already at work"))
    (tmp_path / "file").touch()
    out = {"file": "file", "file above": "file/out", "forbidden": "out"}[fault]
    if fault == "forbidden":
        monkeypatch.setattr("nimblepose.core.files.os.access", lambda *_: False)  # root may write everywhere
    with pytest.raises(MediaError, match="no folder that may be written to; choose another"):
        export_for("human", "ort", tmp_path / out)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_what_is_there_already_is_replaced(tmp_path):
    (tmp_path / "human-ort.ort").write_text("of another day")
    (tmp_path / "mine.txt").write_text("mine")
    report = export_for("human", "ort", tmp_path)
    assert (tmp_path / "human-ort.ort").stat().st_size == next(iter(report.files.values())) > 1e6
    assert (tmp_path / "mine.txt").read_text() == "mine"
