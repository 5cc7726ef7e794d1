"""What verbs have in common: `-h`, examples that can be typed, switches without types, finite numbers, completion."""

import os
import shlex
import subprocess
import sys
from importlib.metadata import version

import pytest
import typer.main

from nimblepose.cli.app import app
from nimblepose.cli.verb import list_examples

WIDTH = 72  # of an example: with its indent it fits into 80 columns
_KEEPS_LINES = tuple(map(int, version("typer").split(".")[:2])) >= (0, 20)  # of a help text; older Typers join them


def list_verbs(command, words=()):
    """Every verb with the words that call it."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield words, command
        return
    for name, one in inner.items():
        yield from list_verbs(one, (*words, name))


ROOT = typer.main.get_command(app)
VERBS = dict(list_verbs(ROOT))
EXAMPLES = [example for verb in VERBS.values() for example in list_examples(verb.help)]


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_every_verb_shows_examples_of_itself(words):
    examples = list_examples(VERBS[words].help)
    assert examples
    for example in examples:
        assert shlex.split(example)[: len(words) + 1] == ["nimblepose", *words]
        assert len(example) <= WIDTH


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_can_be_typed(example):
    command, arguments = ROOT, shlex.split(example)[1:]
    while hasattr(command, "commands"):
        command = command.commands[arguments.pop(0)]
    context = command.make_context("nimblepose", arguments)  # an unknown option, or one that is missing, raises
    assert set(context.params) >= {parameter.name for parameter in command.params if parameter.required}


@pytest.mark.parametrize("words", [(), *VERBS], ids=" ".join)
def test_h_is_help_and_no_type_stands_behind_a_switch(cli, words, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    ran = cli(*words, "-h")
    assert ran.code == 0
    assert "Usage" in ran.out
    assert "bool" not in ran.out
    assert ran.out == cli(*words, "--help").out
    if words in VERBS and _KEEPS_LINES:
        lines = [line.rstrip() for line in ran.out.splitlines()]
        assert {f"     {example}" for example in list_examples(VERBS[words].help)} <= set(lines)


def test_examples_stand_line_by_line_and_paragraphs_fill_the_width(cli, monkeypatch):
    if not _KEEPS_LINES:
        pytest.skip("this Typer joins the lines of a help text")
    monkeypatch.setenv("COLUMNS", "300")
    shown = [line.strip() for line in cli("val", "-h").out.splitlines()]
    assert "nimblepose val --data coco/val2017" in shown
    assert any("so by default the decoder keeps every guess" in line for line in shown)


def describe(parameter):
    kind = getattr(parameter, "type_descriptor", None)  # of newer Typers
    return str(kind.annotation if kind else parameter.type).lower()


FLOATS = [
    (words, max(parameter.opts, key=len))
    for words, verb in VERBS.items()
    for parameter in verb.params
    if "float" in describe(parameter)
]


@pytest.mark.parametrize("value", ["inf", "nan", "-inf"])
@pytest.mark.parametrize(("words", "option"), FLOATS, ids=lambda part: str(part))
def test_numbers_are_finite(cli, words, option, value):
    needed = {"quantize": ["m.onnx", "--calibration", "x", "--out", "y.onnx"], "batch": ["source", "--out", "x"]}
    needed |= {"benchmark": [], "serve": [], "convert": ["a", "b", "--to", "dlc"]}
    required = needed.get(words[-1] if words[0] == "data" else words[0], ["source"])
    ran = cli(*words, *required, f"{option}={value}")
    assert ran.code == 2
    assert option in ran.err


def test_there_are_such_numbers():
    assert {option for _, option in FLOATS} >= {
        "--fps",
        "--max-gap",
        "--trails",
        "--seconds",
        "--min-score",
        "--max-drop",
    }


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("nimblepose pre", ["predict"]),
        ("nimblepose model in", ["info"]),
        ("nimblepose predict --any", ["--any-way-up"]),
        ("nimblepose predict --quality b", ["balanced", "best"]),
        ("nimblepose predict --format c", ["coco", "controlnet", "csv", "coco-dataset", "c3d"]),
        ("nimblepose track --model human-pose", ["human-pose-estimation-0001"]),
        ("nimblepose import --skeleton human", ["human18"]),
        ("nimblepose predict phot", []),  # bash offers files then
    ],
)
def test_shells_complete(typed, offered):
    command = "import sys; sys.argv[0] = 'nimblepose'; from nimblepose.__main__ import main; main()"
    asked = {"_NIMBLEPOSE_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1)}
    ran = subprocess.run(
        [sys.executable, "-c", command], env={**os.environ, **asked}, capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == offered


def test_a_value_that_is_none_of_those_there_are_is_told_in_words(cli, monkeypatch):
    """Without the type of Python that the parser's own exception has."""
    monkeypatch.setenv("COLUMNS", "200")
    ran = cli("predict", "a.jpg", "--quality", "good")
    assert ran.code == 2
    assert "Value error" not in ran.err
    assert "Invalid value for '--quality': 'good' is not one of 'fast'" in " ".join(ran.err.split())
