"""`import`, `export` and `model info` do what their library functions do, and print what matters."""

import re
import sys

import pytest

pytest.importorskip("torch")

from nimblepose.cli.app import main
from nimblepose.core.metadata import ModelMetadata
from nimblepose.core.skeleton import COCO_17
from nimblepose.model.checkpoint import load_checkpoint, save_checkpoint
from nimblepose.model.network import NetworkOptions, build_network
from nimblepose.model.variants import VARIANTS

SMALL = NetworkOptions(width=0.25, channels=16, initial_head_channels=16, refinement_stages=2)


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / "small.safetensors"
    save_checkpoint(build_network(SMALL, COCO_17, seed=0), ModelMetadata(skeleton=COCO_17, licence="MIT"), path)
    return path


@pytest.fixture(autouse=True)
def _wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")


def run(*arguments):
    """Exit code of `nimblepose ARGUMENTS`."""
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as exit_:
        return exit_.code or 0
    return 0


def row(text, first):
    """Cells of the table row that begins with a word."""
    line = next(line for line in text.splitlines() if re.match(rf"\W*{first}\b", line))
    return [cell.strip() for cell in line.strip().strip("│").split("│")]


def test_info_shows_parts_beside_the_paper(capsys):
    assert run("model", "info") == 0
    out = capsys.readouterr().out
    assert row(out, "backbone")[1:] == ["23", "1,613,120", "3.65", "3.7"]
    assert row(out, "total")[1:] == ["57", "4,091,698", "8.88", "9"]


def test_info_shows_all_variants_in_one_table(capsys):
    assert run("model", "info", "--variants") == 0
    out = capsys.readouterr().out
    rows = {cells[0]: cells[1:] for line in out.splitlines() if (cells := line.split())}
    assert rows["openpose-5"][-2:] == ["135.93", "136.1"]
    assert rows["openpose-1"][-3:] == ["61.59", "about", "60"]
    assert rows["lightweight-3"][0] == "7,308,964"


def test_all_variants_are_readable_in_80_columns(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert run("model", "info", "--variants") == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert not [line for line in lines if "…" in line]
    for name, variant in VARIANTS.items():
        assert len([line for line in lines if line.split()[:1] == [name]]) == 1
        assert f"{name}: {variant.change}" in "\n".join(lines)


def test_the_papers_figures_stand_only_beside_its_input_size(capsys):
    assert run("model", "info", "--size", "256x456") == 0
    assert row(capsys.readouterr().out, "total")[-2:] == ["7.66", ""]


def test_info_knows_the_model_of_the_package(capsys):
    assert run("model", "info", "human") == 0
    assert "4,108,594" in capsys.readouterr().out


def test_info_of_a_checkpoint_tells_skeleton_and_licence(capsys, checkpoint):
    assert run("model", "info", checkpoint) == 0
    out = capsys.readouterr().out
    assert "coco17" in out
    assert "MIT" in out
    assert row(out, "refinement stage 2")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing-such"], "lightweight"),
        (["--size", "huge"], "HEIGHTxWIDTH"),
        (["--size", "100x100"], "multiples of 8"),
    ],
    ids=["model", "size", "stride"],
)
def test_mistakes_end_in_a_message_that_helps(capsys, arguments, message):
    assert run("model", "info", *arguments) == 2
    assert message in capsys.readouterr().err


def test_import_drops_stages_and_writes_a_checkpoint(capsys, checkpoint, tmp_path):
    out = tmp_path / "one.safetensors"
    assert run("import", checkpoint, "-o", out, "--drop-extra-stages") == 0
    network, metadata = load_checkpoint(out)
    assert network.options.refinement_stages == 1
    assert metadata.licence == "MIT"
    assert "1 refinement stage" in capsys.readouterr().out


def test_import_of_nonsense_writes_nothing(capsys, tmp_path):
    (tmp_path / "bad.pth").write_bytes(b"<html>")
    assert run("import", tmp_path / "bad.pth", "-o", tmp_path / "out.safetensors") == 2
    assert "bad.pth" in capsys.readouterr().err
    assert not (tmp_path / "out.safetensors").exists()


def test_export_checks_the_picture_it_is_given(capsys, checkpoint, tmp_path):
    pytest.importorskip("onnxscript")
    import cv2
    import numpy as np

    picture = tmp_path / "picture.png"
    cv2.imwrite(str(picture), np.random.default_rng(0).integers(0, 256, (40, 48, 3), np.uint8))
    assert run("export", checkpoint, "-o", tmp_path / "a.onnx", "--check-picture", picture) == 0
    assert "picture 0: differs from torch by at most" in capsys.readouterr().out
    assert run("model", "info", tmp_path / "a.onnx") == 0
    assert "coco17" in capsys.readouterr().out


def test_info_says_the_network_as_a_recipe_has_it(capsys, checkpoint):
    assert run("model", "info", checkpoint) == 0
    said = capsys.readouterr().out
    assert "network:  backbone: mobilenet, width: 0.25, dilated: true, cpm: reference, refinement_stages: 2" in said
    assert "input:    stride: 8, channels: bgr, mean: 128.0" in said


def test_mean_writes_a_checkpoint_and_says_of_what(checkpoint, tmp_path, capsys):
    other = tmp_path / "other.safetensors"
    save_checkpoint(build_network(SMALL, COCO_17, seed=1), ModelMetadata(skeleton=COCO_17, origin="a run"), other)
    assert run("model", "mean", checkpoint, other, "--shares", "0.25,0.75", "--out", tmp_path / "mean.safetensors") == 0
    assert "0.75 (a run)" in capsys.readouterr().out
    one, two, mean = (
        load_checkpoint(path)[0].cpm.conv[0].weight for path in (checkpoint, other, tmp_path / "mean.safetensors")
    )
    assert (mean - (0.25 * one + 0.75 * two)).abs().max() < 1e-6
    assert run("model", "mean", checkpoint, other, "--shares", "a quarter", "--out", tmp_path / "no.safetensors") == 2
    assert "--shares takes numbers separated by commas" in capsys.readouterr().err
    assert not (tmp_path / "no.safetensors").exists()


def test_what_a_model_says_of_itself_needs_no_torch(cli, monkeypatch):
    for name in ("torch", "safetensors"):
        monkeypatch.setitem(sys.modules, name, None)
    for module in [name for name in sys.modules if name.startswith("nimblepose.model")]:
        monkeypatch.delitem(sys.modules, module)
    ran = cli("model", "info", "human")
    assert (ran.code, ran.err) == (0, "")
    assert "skeleton: human18, 18 keypoints" in ran.out
    assert "network:  backbone: mobilenet" in ran.out
    assert "pip install 'nimblepose[train]'" in ran.out
    assert cli("model", "info", "lightweight").code == 2
