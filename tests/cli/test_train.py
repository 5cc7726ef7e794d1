import pytest
import yaml
from typer.testing import CliRunner

pytest.importorskip("torch")

from nimblepose.cli.app import app
from nimblepose.cli.training_bar import show_training_bar
from nimblepose.core.errors import TrainingError
from nimblepose.training.engine import TrainingStep


def test_a_misspelt_option_is_an_error_before_anything_starts(tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump({"data": {"annotations": ["a.json"], "images": ["images"]}}))
    result = CliRunner().invoke(app, ["train", str(recipe), "optimizer.learning_rat=1", "--out", str(tmp_path / "run")])
    assert isinstance(result.exception, TrainingError)
    assert "optimizer.learning_rat: no such option; did you mean learning_rate" in str(result.exception)
    assert not (tmp_path / "run").exists()


def test_where_nobody_watches_lines_tell_loss_and_time_left(capsys):
    with show_training_bar(shown=True) as watch:
        watch(TrainingStep(phase=0, phases=2, step=99, steps=300, loss=2.0, rate=1e-3, seconds=1.5))
        watch(TrainingStep(phase=0, phases=2, step=100, steps=300, loss=1.0, rate=1e-3, seconds=1.5, ap=0.5))
    printed = capsys.readouterr().err
    assert "phase 1/2: loss 1, AP 0.500, step 100/300, about 5 min left" in " ".join(printed.split())
    assert "99" not in printed
