import dataclasses
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

pytest.importorskip("torch")

from nimblepose.cli.app import app
from nimblepose.cli.training_bar import show_training_bar
from nimblepose.core.errors import MediaError, TrainingError
from nimblepose.evaluation.pixels import ErrorFigures, PixelFigures
from nimblepose.training import engine, preflight
from nimblepose.training.engine import TrainingStep
from nimblepose.training.run_folder import RunFolder, RunLog
from nimblepose.training.validation import Validation

FIGURES = ErrorFigures(
    labelled=4, mean=3.21, median=2.0, rmse=4.0, pck=0.7, missed=0.25, exchanged=math.nan, relative=0.3
)
PIXELS = PixelFigures(overall=FIGURES, keypoints={"nose": FIGURES}, subjects=4, subjects_missed=1)
FOUND = Validation(ap=0.5, ap50=0.6, pixels=PIXELS, field_errors={}, drawn=None)


def test_a_misspelt_option_is_an_error_before_anything_starts(tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump({"data": {"annotations": ["a.json"], "images": ["images"]}}))
    result = CliRunner().invoke(app, ["train", str(recipe), "optimizer.learning_rat=1", "--out", str(tmp_path / "run")])
    assert isinstance(result.exception, TrainingError)
    assert "optimizer.learning_rat: no such option; did you mean learning_rate" in str(result.exception)
    assert not (tmp_path / "run").exists()


RECIPE = {"data": {"annotations": ["a.json"], "images": ["images"]}, "accelerator": "cpu"}


@pytest.mark.parametrize("switch", ["--preflight", "--no-preflight", "--only-preflight"])
def test_a_folder_that_cannot_be_written_into_is_told_before_the_preflight(tmp_path, monkeypatch, switch):
    monkeypatch.setattr(preflight, "preflight", lambda *_, **__: pytest.fail("already at work"))
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(RECIPE))
    (tmp_path / "file").touch()
    result = CliRunner().invoke(
        app, ["train", str(tmp_path / "recipe.yaml"), switch, "--out", str(tmp_path / "file/run")]
    )
    assert isinstance(result.exception, MediaError)
    assert "file is no folder that may be written to" in str(result.exception)


def test_a_run_that_is_there_is_told_before_the_preflight(tmp_path, monkeypatch):
    tried = []
    monkeypatch.setattr(preflight, "preflight", lambda *_, **__: tried.append(1))
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(RECIPE))
    (tmp_path / "run").mkdir()
    (tmp_path / "run/state.pt").touch()
    call = ["train", str(tmp_path / "recipe.yaml"), "--out", str(tmp_path / "run")]
    result = CliRunner().invoke(app, call)
    assert isinstance(result.exception, TrainingError)
    assert "holds a run already; go on with --resume" in str(result.exception)
    assert not tried
    assert CliRunner().invoke(app, [*call, "--only-preflight"]).exit_code == 0
    assert tried, "it writes nothing there"


def test_at_the_end_it_says_how_far_each_keypoint_of_the_best_weights_is_off(tmp_path, monkeypatch):
    def train(recipe, folder, **_):
        log = RunLog(RunFolder(folder), [recipe], resume_at=None)
        log.add_validation(5, 0, FOUND, loss=1.0, best=True)
        log.add_validation(9, 0, dataclasses.replace(FOUND, ap=0.1), loss=1.0, best=False)
        log.close()
        return RunFolder(folder).result

    monkeypatch.setattr(engine, "train", train)
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(RECIPE | {"tensorboard": False}))
    call = ["train", str(tmp_path / "recipe.yaml"), "--no-preflight", "--out", str(tmp_path / "run")]
    printed = " ".join(CliRunner().invoke(app, call, env={"COLUMNS": "120"}).output.split())
    assert "the best weights, of step 5: AP 0.500, AP50 0.600" in printed
    assert "│ nose │ 3.2 │ 2.0 │ 4.0 │ 0.700 │ 25.0% │" in printed
    assert printed.endswith("model.safetensors")


def test_where_nobody_watches_lines_tell_loss_and_time_left(capsys):
    with show_training_bar(shown=True) as watch:
        watch(TrainingStep(phase=0, phases=2, step=99, steps=300, loss=2.0, rate=1e-3, left=301.5))
        watch(TrainingStep(phase=0, phases=2, step=100, steps=300, loss=1.0, rate=1e-3, left=300.0, found=FOUND))
    printed = capsys.readouterr().err
    assert "phase 1/2: loss 1, AP 0.500, 3.2 px off, 25% missed, step 100/300, about 5 min left" in " ".join(
        printed.split()
    )
    assert "99" not in printed


def test_where_nobody_is_found_it_is_said(capsys):
    nobody = dataclasses.replace(FIGURES, mean=math.nan, missed=1.0)
    found = dataclasses.replace(FOUND, ap=0.0, pixels=dataclasses.replace(PIXELS, overall=nobody))
    with show_training_bar(shown=True) as watch:
        watch(TrainingStep(phase=0, phases=1, step=1, steps=3, loss=1.0, rate=1e-3, left=3.0, found=found))
    assert "AP 0.000, 100% missed, step 1/3" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl_c", "terminated"])
def test_an_end_that_is_asked_for_saves_the_state_and_names_resume(tmp_path, number):
    """The command itself, interrupted as a terminal, Slurm and `timeout` do it: trainer and workers alike."""
    creatures = Path(__file__).resolve().parents[2] / "examples" / "creatures"
    subprocess.run([sys.executable, creatures / "generate.py", tmp_path, "--train", "4", "--val", "1"], check=True)
    recipe = {
        "data": {
            "annotations": ["train/annotations.json"], "images": ["train/images"], "size": [64, 64], "workers": 1,
            "skeleton": str(creatures / "creature.yaml"),
        },
        "augment": {"centre": "picture"},
        "network": {"width": 0.1, "channels": 8, "initial_head_channels": 16},
        "batch_size": 2, "schedule": {"steps": 100_000}, "checkpoint_every": 100_000,
        "validation": {"every": 100_000}, "tensorboard": False, "accelerator": "cpu",
    }  # fmt: skip
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    command = [sys.executable, "-m", "nimblepose", "train", tmp_path / "recipe.yaml", "--no-preflight"]
    command += ["--out", tmp_path / "run"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        log = tmp_path / "run" / "log.csv"
        while process.poll() is None and not (log.exists() and log.read_text().count("\n") > 3):
            time.sleep(0.05)
        os.killpg(process.pid, number)
        error = process.communicate(timeout=120)[1]
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 130, error
    assert "--resume" in error
    assert "Traceback" not in error
    assert (tmp_path / "run" / "state.pt").exists()
    assert (tmp_path / "run" / "model.safetensors").exists(), "whoever stops a run has a model"
