"""Other tools hear of a run what its own logs say, and go on with it where it is resumed."""

import sys
import types

import numpy as np
import pytest

from nimblepose.core.errors import MissingPackageError, TrainingError
from nimblepose.training.recipe import load_recipe
from nimblepose.training.trackers import open_tracker


class Heard(list):
    """Calls, by their names."""

    def hear(self, name, answer=None):
        def call(*arguments, **options):
            self.append((name, arguments, options))
            return answer

        return call


@pytest.fixture
def heard(monkeypatch):
    """Both tools, which note what they are told."""
    calls = Heard()
    calls.run = run = types.SimpleNamespace(id="abc", log=calls.hear("log"), finish=calls.hear("finish"))
    wandb = types.SimpleNamespace(init=calls.hear("init", run), Image=lambda image: ("image", image.shape))
    begun = types.SimpleNamespace(info=types.SimpleNamespace(run_id="def"))
    names = ("log_metrics", "log_image", "log_dict", "end_run")
    mlflow = types.SimpleNamespace(
        start_run=calls.hear("start_run", begun), **{name: calls.hear(name) for name in names}
    )
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    monkeypatch.setitem(sys.modules, "mlflow", mlflow)
    return calls


@pytest.mark.parametrize(("kind", "begin", "key"), [("wandb", "init", "id"), ("mlflow", "start_run", "run_id")])
def test_a_run_is_told_of_and_gone_on_with(heard, tmp_path, kind, begin, key):
    for _ in range(2):
        tracker = open_tracker(kind, tmp_path, name="mice", settings={"seed": 1})
        tracker.add_scalars({"train/loss": 2.0}, 7)
        tracker.add_picture("found", np.zeros((4, 6, 3), np.uint8), 7)
        tracker.close()
    begun = [options for name, _, options in heard if name == begin]
    assert [options[key] for options in begun] == [None, "abc" if kind == "wandb" else "def"]
    told = [
        arguments[0] for name, arguments, options in heard if name in ("log", "log_metrics") and options["step"] == 7
    ]
    assert {"train/loss": 2.0} in told
    assert heard[-1][0] in ("finish", "end_run")


def test_recipes_name_them_and_others_are_refused(tiny):
    assert load_recipe(tiny(), ["trackers=[wandb, mlflow]"]).trackers == ("wandb", "mlflow")
    with pytest.raises(TrainingError, match="expected one of wandb, mlflow"):
        load_recipe(tiny(), ["trackers=[neptune]"])


def test_one_that_is_missing_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(MissingPackageError, match=r"nimblepose\[wandb\]"):
        open_tracker("wandb", tmp_path, name="mice", settings={})


@pytest.mark.parametrize(("kind", "begin"), [("wandb", "init"), ("mlflow", "start_run")])
def test_one_that_does_not_begin_says_where_its_settings_are(heard, monkeypatch, tmp_path, kind, begin):
    def refuse(**_):
        raise KeyError("no such store\nand a page of advice")

    monkeypatch.setattr(sys.modules[kind], begin, refuse)
    with pytest.raises(TrainingError, match=rf"^trackers: {kind} does not begin: .*no such store.*{kind.upper()}_"):
        open_tracker(kind, tmp_path, name="mice", settings={})


@pytest.mark.parametrize(("kind", "tell"), [("wandb", "log"), ("mlflow", "log_metrics")])
def test_a_run_outlives_a_server_that_is_gone(heard, monkeypatch, tmp_path, caplog, kind, tell):
    asked = []

    def fail(*_, **__):
        asked.append(1)
        raise ConnectionError("nobody answers\nat all")

    tracker = open_tracker(kind, tmp_path, name="mice", settings={})
    place = heard.run if kind == "wandb" else sys.modules["mlflow"]
    monkeypatch.setattr(place, tell, fail)
    for step in range(3):
        tracker.add_scalars({"loss": 1.0}, step)
    tracker.add_picture("found", np.zeros((4, 6, 3), np.uint8), 3)
    tracker.close()
    assert [record.getMessage() for record in caplog.records] == [
        f"{kind} hears no more of this run, which goes on: nobody answers"
    ]
    assert asked == [1]
