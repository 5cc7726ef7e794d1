"""The help of every verb as one page."""

import re
from collections.abc import Iterator
from typing import Any

import typer
from typer.cli import get_docs_for_click
from typer.main import get_command

from nimblepose.cli.app import app

_EXAMPLES = re.compile(r"^Examples:\n((?:    .*\n?)+)", re.MULTILINE)
_METAVAR = re.compile(r"\{([A-Z]+\.\.\.)\}\.\.\.")  # `{SOURCE...}...`: the dots are ours already


def describe() -> str:
    """A page of Markdown: `nimblepose -h` and that of each verb, with usage, arguments, options and examples."""
    command = get_command(app)
    page = get_docs_for_click(obj=command, ctx=typer.Context(command, info_name="nimblepose"), name="nimblepose")
    page = page.replace("# `nimblepose`\n", "# Command line\n\n`nimblepose VERB -h` shows the same.\n", 1)
    for name, verb in _list_verbs(command):  # which Typer cuts off after 45 characters
        sentence = (verb.help or "").split("\n\n")[0]
        page = page.replace(f"* `{name}`: {verb.get_short_help_str()}\n", f"* `{name}`: {sentence}\n")
    return _METAVAR.sub(r"\1", _EXAMPLES.sub(_show_examples, page))


def _list_verbs(group: Any) -> Iterator[tuple[str, Any]]:
    """Names and commands of a group, and of those in it."""
    for name, verb in group.commands.items():
        yield name, verb
        if hasattr(verb, "commands"):
            yield from _list_verbs(verb)


def _show_examples(match: re.Match[str]) -> str:
    lines = "".join(f"{line.strip()}\n" for line in match[1].splitlines() if line.strip())
    return f"**Examples**:\n\n```console\n{lines}```\n"
