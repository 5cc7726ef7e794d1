"""`nimblepose benchmark`: a table for people, a file for machines."""

import json

import numpy as np
import pytest

from nimblepose.core.files import write_atomically
from nimblepose.media.encoding import encode_picture


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    write_atomically(folder / "a.png", encode_picture(np.full((64, 128, 3), 7, np.uint8), ".png"))
    return folder


def test_the_table_names_stages_rates_ratios_and_the_machine(cli, dots_model, pictures):
    ran = cli("benchmark", "-m", dots_model, "-s", pictures, "--input-height", 64, "--frames", 3, "--threads", 2)
    assert ran.code == 0, ran.err
    for text in (
        "read", "prepare", "network", "decode", "draw", "p95", "streamed", "at a time as streaming",
        "x the network alone", "x the network's own best rate", "people per picture: 1 to 1", "input 64 x 128",
        "onnxruntime, 2 threads", "numpy",
    ):  # fmt: skip
        assert text in ran.out
    assert "gray noise" not in ran.out


def test_the_report_holds_figures_options_and_machine(cli, dots_model, pictures, tmp_path):
    ran = cli(
        "benchmark", "-m", dots_model, "-s", pictures, "--input-height", 64, "--frames", 3, "--quiet",
        "--report", tmp_path / "r.json",
    )  # fmt: skip
    assert (ran.code, ran.out) == (0, "")
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["benchmark"]["whole"]["median"] > 0
    assert report["benchmark"]["people"] == [1, 1, 1]
    assert report["options"]["input_height"] == 64
    assert {"model", "machine", "date"} <= set(report)


def test_without_a_source_it_says_so(cli, dots_model, monkeypatch):
    monkeypatch.setattr(
        "nimblepose.evaluation.benchmark_pictures.make_noise", lambda: np.full((64, 128, 3), 7, np.uint8)
    )
    ran = cli("benchmark", "-m", dots_model, "--input-height", 64, "--seconds", 0.01)
    assert ran.code == 0, ran.err
    assert "gray noise" in ran.out


def test_a_video_is_refused_before_the_model_is_loaded(cli):
    ran = cli("benchmark", "--source", "film.mp4", "--model", "no-such-model.onnx")
    assert ran.code == 2
    assert "film.mp4" in ran.err
    assert "not measured yet" in ran.err
