"""`nimblepose quantize`: a smaller model that is as accurate, or a sentence and no file."""

import json
import sys

import drawn_bodies
import pytest

from nimblepose.convert import gate

onnx = pytest.importorskip("onnx")
pytest.importorskip("faster_coco_eval")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return drawn_bodies.write_set(tmp_path_factory.mktemp("data") / "val", 4, seed=1)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return drawn_bodies.write_set(tmp_path_factory.mktemp("data") / "calibration", 4, seed=2) / "images"


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    onnx.save(drawn_bodies.network(onnx), folder / "model.onnx")
    onnx.save(drawn_bodies.network(onnx, loud=1000), folder / "fragile.onnx")
    (folder / "text.onnx").write_text("not a model")
    (folder / "weights.safetensors").write_text("not ONNX")
    return folder


@pytest.fixture
def run(cli, data, pictures, models, tmp_path):
    """Run the verb with all it needs, but for what is given."""

    def run_(model="model.onnx", *more, **given):
        options = {"--calibration": pictures, "--val": data, "--out": tmp_path / "int8.onnx", "--input-height": 64}
        options |= {f"--{key}": value for key, value in given.items()}
        pairs = [part for key, value in options.items() if value is not None for part in (key, value)]
        return cli("quantize", models / model, *pairs, *more)

    return run_


def test_an_accurate_model_is_written_with_a_report(run, cli, data, models, tmp_path):
    ran = run(report=tmp_path / "report.json")
    assert ran.code == 0, ran.err
    assert "float32: AP 1.0000 on 4 pictures" in ran.out
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["int8"]["metrics"]["ap"] >= 0.995
    assert [entry["layer"] for entry in report["stay_float"]] == ["heat", "paf"]
    assert report["tried"] == {"0": report["int8"]["metrics"]["ap"]}
    assert report["calibration"] == ["1.png", "2.png", "3.png", "4.png"]
    assert report["int8"]["size"] == (tmp_path / "int8.onnx").stat().st_size
    model = onnx.load(tmp_path / "int8.onnx")
    assert model.metadata_props == onnx.load(models / "model.onnx").metadata_props
    again = cli("val", "--data", data, "--model", tmp_path / "int8.onnx", "--input-height", 64, "--backend", "openvino")
    assert again.code == 0, again.err
    assert "1.0000" in again.out


def test_a_file_that_takes_pixels_finds_the_same(run, cli, data, models, tmp_path):
    ran = run("model.onnx", "--pixels")
    assert ran.code == 0, ran.err
    model = onnx.load(tmp_path / "int8.onnx")
    assert model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8
    read = {name for node in model.graph.node for name in node.input}
    assert {constant.name for constant in model.graph.initializer} <= read
    again = cli("val", "--data", data, "--model", tmp_path / "int8.onnx", "--input-height", 64)
    assert "1.0000" in again.out
    refused = cli(
        "quantize", tmp_path / "int8.onnx", "--calibration", data, "--val", data, "--out", tmp_path / "o.onnx"
    )
    assert refused.code == 2
    assert "without --pixels" in refused.err


def test_fragile_layers_stay_float_and_the_report_says_what_they_cost(run, tmp_path, monkeypatch):
    monkeypatch.setattr(gate, "_MOST_FLOAT", 1.0)
    ran = run("fragile.onnx", "--quiet", report=tmp_path / "report.json")
    assert (ran.code, ran.out) == (0, ""), ran.err
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["tried"]["0"] < 0.5
    assert {entry["layer"] for entry in report["stay_float"]} >= {"louder", "elu_node", "quieter"}
    assert all(isinstance(entry["milliseconds"], float) for entry in report["stay_float"])


def test_a_gate_that_cannot_be_passed_leaves_nothing(run, tmp_path, monkeypatch):
    monkeypatch.setattr(gate, "_MOST_FLOAT", 0.2)
    ran = run("fragile.onnx", report=tmp_path / "report.json")
    assert ran.code == 2
    assert "max-drop 0.005; nothing written" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_pictures_that_are_measured_on_are_not_calibrated_on(run, data, tmp_path):
    ran = run(calibration=data / "images")
    assert ran.code == 2
    assert "calibrate on others" in ran.err
    ran = run(calibration=data / "images", limit=2)
    assert ran.code == 2, "also those that --limit leaves out of this measurement"


@pytest.mark.parametrize(
    ("model", "given", "message"),
    [
        ("model.onnx", {"val": None}, "--val"),
        ("model.onnx", {"images": "x"}, "either --val"),
        ("missing.onnx", {}, "no model file"),
        ("text.onnx", {}, "not an ONNX model"),
        ("weights.safetensors", {}, "nimblepose export"),
        ("model.onnx", {"calibration": "{empty}"}, "no pictures"),
        ("model.onnx", {"out": "no/such/folder.onnx"}, "make it first"),
        ("model.onnx", {"report": "no/such/folder.json"}, "make it first"),
    ],
    ids=["no val", "both ways", "no such file", "not ONNX", "a checkpoint", "empty folder", "nowhere", "no report"],
)
def test_wrong_calls_end_in_2_and_a_sentence(run, tmp_path, model, given, message):
    (tmp_path / "empty").mkdir()
    ran = run(model, **{key: tmp_path / "empty" if value == "{empty}" else value for key, value in given.items()})
    assert ran.code == 2
    assert message in ran.err
    assert "Traceback" not in ran.err
    assert not (tmp_path / "int8.onnx").exists()


def test_pictures_without_people_have_no_ap(run, data, tmp_path):
    coco = json.loads((data / "bodies.json").read_text())
    (tmp_path / "nobody.json").write_text(json.dumps(coco | {"annotations": []}))
    ran = run(val=None, images=data / "images", annotations=tmp_path / "nobody.json")
    assert ran.code == 2
    assert "nobody with keypoints" in ran.err


def test_a_quantized_model_is_refused(run, models, tmp_path):
    assert run(out=models / "int8.onnx").code == 0
    ran = run("int8.onnx")
    assert ran.code == 2
    assert "quantized already" in ran.err


def test_without_onnx_it_says_what_to_install(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    ran = run()
    assert ran.code == 2
    assert "pip install 'nimblepose[train]'" in ran.err
