"""`nimblepose model poses`: the same weights that know what poses look like; and `--complete`, which needs them to."""

import dataclasses
import json
import re

import drawn_bodies
import pytest

from nimblepose.convert.model_files import write_with_metadata
from nimblepose.core.metadata import ModelMetadata

onnx = pytest.importorskip("onnx")
pytest.importorskip("torch")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return drawn_bodies.write_set(tmp_path_factory.mktemp("data") / "set", 60, seed=1)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.onnx"
    onnx.save(drawn_bodies.network(onnx), path)
    return path


def metadata(path):
    return ModelMetadata.from_strings({p.key: p.value for p in onnx.load(path).metadata_props}, source="a")


def test_the_weights_stay_and_poses_are_scored(cli, data, model, tmp_path, monkeypatch):
    out = tmp_path / "taught.onnx"
    ran = cli("model", "poses", model, "--data", data, "--out", out, "--input-height", 64)
    assert ran.code == 0, ran.err
    poses = int(re.search(r"(\d+) poses in 60 pictures", ran.out)[1])
    assert 120 <= poses <= 240  # of single passes, of the passes of balanced, and of its looks
    before, after = onnx.load(model), onnx.load(out)
    assert before.graph == after.graph
    assert metadata(model).scorer is metadata(model).prior is None
    assert metadata(out).scorer is not None
    assert metadata(out).prior is not None
    assert metadata(model).errors is None
    assert len(metadata(out).errors.kinds) == 3
    assert metadata(out).origin.endswith(f"; poses learnt from {poses} of bodies.json")
    again = cli("val", "--data", data, "--model", out, "--input-height", 64, "--limit", 4)
    assert "1.0000" in again.out
    monkeypatch.setenv("COLUMNS", "200")
    assert "scored by their limbs" in cli("model", "info", model).out
    assert (
        "scored by the OKS to expect, keypoints with errors to expect, completed with --complete"
        in cli("model", "info", out).out
    )
    assert cli("predict", data / "images/1.png", "-m", out, "--complete", "--out", tmp_path).code == 0
    twice = cli("model", "poses", out, "--data", data, "--out", tmp_path / "twice.onnx", "--input-height", 64)
    assert twice.code == 0
    assert metadata(tmp_path / "twice.onnx").to_strings() == metadata(out).to_strings()


def test_what_a_model_knows_can_be_kept(cli, data, model, tmp_path):
    given = ("--data", data, "--input-height", 64)
    taught, older, newer = (tmp_path / f"{name}.onnx" for name in ("taught", "older", "newer"))
    assert cli("model", "poses", model, *given, "--out", taught, "--seed", 5).code == 0
    write_with_metadata(taught, dataclasses.replace(metadata(taught), errors=None), older)
    ran = cli("model", "poses", older, *given, "--out", newer, "--keep")
    assert ran.code == 0, ran.err
    before, after = metadata(older), metadata(newer)
    assert after.scorer.to_dict() == before.scorer.to_dict()
    assert after.prior.to_dict() == before.prior.to_dict()
    assert after.best_size == before.best_size
    assert after.errors.to_dict() == metadata(taught).errors.to_dict()
    assert re.fullmatch(re.escape(before.origin) + r", the rest from \d+ of bodies\.json", after.origin)
    complete = dataclasses.replace(after, best_size=after.best_size or 100.0)
    write_with_metadata(newer, complete, newer)
    again = cli("model", "poses", newer, *given, "--out", tmp_path / "again.onnx", "--keep")
    assert again.code == 2
    assert "lacks nothing" in again.err


def test_errors_are_calibrated_and_nothing_else_changes(cli, data, model, tmp_path):
    given = ("--data", data, "--input-height", 64)
    taught, better, twice = (tmp_path / f"{name}.onnx" for name in ("taught", "better", "twice"))
    assert cli("model", "poses", model, *given, "--out", taught).code == 0
    ran = cli("model", "poses", taught, *given, "--out", better, "--calibrate")
    assert ran.code == 0, ran.err
    count = int(re.search(r"errors calibrated on (\d+) keypoints", ran.out)[1])
    assert 300 <= count <= 480  # three of each of 60 bodies, in the single pass and with looks
    before, after = metadata(taught), metadata(better)
    assert after.errors.calibration.shape == (5,)
    assert after.origin == f"{before.origin}; errors calibrated on {count} keypoints of bodies.json"
    uncalibrated = dataclasses.replace(after, errors=before.errors, origin=before.origin)
    assert uncalibrated.to_strings() == before.to_strings()
    assert onnx.load(better).graph == onnx.load(taught).graph
    ran = cli("model", "poses", better, *given, "--out", twice, "--calibrate")
    assert metadata(twice).to_strings() == after.to_strings()
    write_with_metadata(better, dataclasses.replace(after, scorer=None), twice)
    assert cli("model", "poses", twice, *given, "--keep", "--out", twice).code == 0
    kept = metadata(twice)
    assert kept.errors.to_dict() == after.errors.to_dict()
    calibrated = after.origin.removeprefix(before.origin)
    assert re.fullmatch(re.escape(before.origin) + r", the rest from \d+ of bodies\.json" + calibrated, kept.origin)
    for wrong, more, message in ((taught, ["--keep"], "give one of them"), (model, [], "knows no errors")):
        ran = cli("model", "poses", wrong, *given, *more, "--out", tmp_path / "no.onnx", "--calibrate")
        assert ran.code == 2
        assert message in ran.err
    assert not (tmp_path / "no.onnx").exists()


def test_nothing_is_completed_by_a_model_that_does_not_know_how(cli, data, model, tmp_path):
    ran = cli("predict", data / "images/1.png", "-m", model, "--complete", "--out", tmp_path)
    assert ran.code == 2
    assert "nimblepose model poses" in ran.err


@pytest.mark.parametrize(
    ("out", "more", "message"),
    [
        ("taught.safetensors", [], "of one kind"),
        ("taught.onnx", ["--annotations", "nowhere.json"], "give either --data"),
        ("no/taught.onnx", ["--data", "{broken}"], "make it first"),  # said before anything else is looked at
    ],
)
def test_mistakes_are_named_and_nothing_is_written(cli, data, model, tmp_path, out, more, message):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "people.json").write_text("nonsense")
    more = [broken if part == "{broken}" else part for part in more]
    ran = cli("model", "poses", model, "--data", data, "--out", tmp_path / out, "--input-height", 64, *more)
    assert ran.code == 2
    assert message in ran.err
    assert list(tmp_path.iterdir()) == [broken]


def test_heights_are_those_that_a_model_was_made_for_in_every_verb(cli, data, tmp_path, monkeypatch):
    """Bodies are seen at one height only; at 368 this model finds nobody."""
    file = drawn_bodies.network(onnx)
    path = tmp_path / "model.onnx"
    made = dataclasses.replace(ModelMetadata.from_strings({p.key: p.value for p in file.metadata_props}, source="a"))
    onnx.helper.set_model_props(file, dataclasses.replace(made, input_height=drawn_bodies.HEIGHT).to_strings())
    onnx.save(file, path)
    measured = cli("val", "--data", data, "--model", path, "--limit", 4)
    assert f"one pass at height {drawn_bodies.HEIGHT}, which the model was made for" in measured.out
    assert "1.0000" in measured.out
    quantized = cli("quantize", path, "--calibration", data / "images", "--images", data / "images", "--annotations",
                    few(data, tmp_path), "--out", tmp_path / "int8.onnx")  # fmt: skip
    assert "float32: AP 1.0000 on 4 pictures" in quantized.out, quantized.err
    monkeypatch.setenv("COLUMNS", "200")
    assert f"made for pictures seen at height {drawn_bodies.HEIGHT}" in cli("model", "info", path).out
    ran = cli("model", "poses", path, "--data", data, "--out", tmp_path / "taught.onnx")
    assert ran.code == 0, ran.err
    asked = cli("model", "poses", path, "--data", data, "--out", tmp_path / "asked.onnx", "--input-height", 64)
    assert asked.code == 0
    assert metadata(tmp_path / "taught.onnx").to_strings() == metadata(tmp_path / "asked.onnx").to_strings()


def few(data, folder):
    coco = json.loads((data / "bodies.json").read_text())
    coco["images"] = coco["images"][:4]
    ids = {image["id"] for image in coco["images"]}
    coco["annotations"] = [a for a in coco["annotations"] if a["image_id"] in ids]
    (folder / "few.json").write_text(json.dumps(coco))
    return folder / "few.json"
