"""The front door: fast help, versions, errors without tracebacks."""

import subprocess
import sys

import pytest
import typer.main

from nimblepose import __version__
from nimblepose.cli.app import app


def test_version(cli):
    assert cli("--version").out.strip() == f"nimblepose {__version__}"


@pytest.mark.parametrize("verb", ["predict", "train", "import", "export", "doctor", "model", "skeleton", "data"])
def test_every_verb_is_in_the_help_and_has_its_own(cli, verb):
    assert verb in cli("--help").out
    assert "Usage" in cli(verb, "--help").out


def test_help_needs_none_of_the_heavy_packages():
    heavy = ("torch", "cv2", "onnxruntime", "openvino", "pooch")
    code = f"import sys, nimblepose.cli.app; print(*(m for m in {heavy} if m in sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == ""


def test_the_command_is_installed():
    ran = subprocess.run([sys.executable, "-m", "nimblepose", "--version"], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == f"nimblepose {__version__}"


def test_a_missing_extra_is_named(cli, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch", None)
    for module in [name for name in sys.modules if name.startswith("nimblepose.model")]:
        monkeypatch.delitem(sys.modules, module)
    (tmp_path / "a.safetensors").touch()
    ran = cli("export", tmp_path / "a.safetensors", "--out", tmp_path / "a.onnx")
    assert ran.code == 2
    assert "pip install 'nimblepose[train]'" in ran.err


def test_an_unknown_verb_ends_in_2(cli):
    ran = cli("dance")
    assert ran.code == 2
    assert "dance" in ran.err


def test_an_option_of_several_verbs_is_written_down_once():
    """Else they drift apart: `--threads` once meant two things for 0."""

    def options(command):
        for parameter in command.params:
            yield from ((name, getattr(parameter, "help", None)) for name in parameter.opts if name.startswith("--"))
        for inner in getattr(command, "commands", {}).values():
            yield from options(inner)

    helps = {}
    for name, text in options(typer.main.get_command(app)):
        helps.setdefault(name, set()).add(text)
    assert len(helps) > 50
    own = {"--open", "--out", "--resume", "--skeleton", "--to"}  # what they open, write, go on with, make differs
    own |= {"--pictures", "--seconds"}  # of a batch: how many are done at a time
    assert {name for name, texts in helps.items() if len(texts) > 1} <= own


def test_no_help_text_has_a_bracket_that_is_taken_for_markup():
    """`[default: ...]` within a text vanishes without a word."""

    def texts(command):
        for parameter in command.params:
            yield f"{command.name} {parameter.name}", getattr(parameter, "help", None) or ""
        for inner in getattr(command, "commands", {}).values():
            yield from texts(inner)

    found = dict(texts(typer.main.get_command(app)))
    assert len(found) > 100
    assert [place for place, text in found.items() if "[" in text] == []
