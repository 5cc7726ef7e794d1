"""What docs/batch.md shows are commands and options that exist."""

import re
from pathlib import Path

import typer.main

from nimblepose.cli.app import app

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "batch.md").read_text("utf-8")


def test_its_commands_have_options_that_exist():
    batch = typer.main.get_command(app).commands["batch"].commands
    commands = re.findall(r"nimblepose batch (\w+)([^`#\n]*)", PAGE)
    assert {verb for verb, _ in commands} == set(batch)
    for verb, rest in commands:
        known = {option for parameter in batch[verb].params for option in parameter.opts}
        assert set(re.findall(r"--[\w-]+", rest)) <= known, (verb, rest)


def test_what_it_names_is_there():
    for dotted in re.findall(r"`(nimblepose(?:\.\w+)+)\(", PAGE):
        module, _, name = dotted.rpartition(".")
        assert callable(getattr(__import__(module, fromlist=[name]), name))
    for option in re.findall(r"`(--[\w-]+)", PAGE):
        verbs = typer.main.get_command(app).commands
        every = [*verbs["batch"].commands.values(), verbs["track"], verbs["predict"]]
        known = {
            name for verb in every for parameter in verb.params for name in (*parameter.opts, *parameter.secondary_opts)
        }
        assert option in known, option
