"""What docs/own-skeleton.md tells people to type exists."""

import re
from pathlib import Path

import typer.main

from nimblepose.cli.app import app

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "own-skeleton.md").read_text("utf-8")


def test_its_commands_have_options_that_exist():
    commands = re.findall(r"^nimblepose (.*)$", PAGE, re.MULTILINE)
    assert len(commands) == 17
    for line in commands:
        command = typer.main.get_command(app)
        words = line.split()
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        known = {name for parameter in command.params for name in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known, line


def test_its_pictures_are_there():
    for name in re.findall(r"\]\((\S+\.jpg)\)", PAGE):
        assert (Path(__file__).resolve().parents[1] / "docs" / name).is_file()
