"""What is alike in all verbs: how help reads, and that numbers are numbers."""

import math
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from nimblepose.core.errors import OptionError

_EXAMPLES = "Examples:"  # a section of a docstring, as Google's style has them
_PREFIX = "Value error, "  # of pydantic, which the newest Typer reads values with


class Verb(TyperCommand):
    """A command whose help is the docstring of its function, with its `Examples`."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Take what Typer gives."""
        super().__init__(*arguments, **options)
        self.help = join_lines(self.help or "")

    def get_params(self, ctx: Any) -> list[Any]:
        """All parameters, and `--help`."""
        return _quieten(super().get_params(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """Read the command line; Typer's messages begin with the Python type of what its parser raised."""
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            error.message = error.message.removeprefix(_PREFIX)
            raise

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help, with examples indented wherever they stand.

        Typer takes the indent that all lines but the first of a text have for that of the source, and away.
        """
        said = self.help or ""
        self.help = said.replace("\n    ", "\n[b][/b]    ") if self.rich_markup_mode == "rich" else said
        try:
            super().format_help(ctx, formatter)
        finally:
            self.help = said

    def invoke(self, ctx: Any) -> Any:
        """Run it.

        Raises:
            OptionError: a number is `inf` or `nan`, which Typer takes for numbers within most bounds.
        """
        for parameter in self.params:
            value = ctx.params.get(parameter.name)
            if isinstance(value, float) and not math.isfinite(value):
                raise OptionError(f"{max(parameter.opts, key=len)} takes a finite number, got {value}")
        return super().invoke(ctx)


class Verbs(TyperGroup):
    """A group of them."""

    def get_params(self, ctx: Any) -> list[Any]:
        """As of a verb."""
        return _quieten(super().get_params(ctx))


class VerbApp(typer.Typer):
    """Takes functions for `Verb`s."""

    def __init__(self, **options: Any) -> None:
        """Without arguments it shows its help; options as Typer's."""
        super().__init__(cls=Verbs, no_args_is_help=True, **options)

    def command(self, name: str | None = None, **options: Any) -> Any:
        """As Typer's."""
        return super().command(name, **{"cls": Verb, **options})


def join_lines(text: str) -> str:
    r"""A docstring for a terminal of any width: only paragraphs and examples end a line.

    >>> join_lines("One\ntwo.\n\nExamples:\n    a b\n    c")
    'One two.\n\nExamples:\n    a b\n    c'
    """
    paragraphs = text.split("\n\n")
    return "\n\n".join(p if p.startswith(_EXAMPLES) else p.replace("\n", " ") for p in paragraphs).rstrip()


def list_examples(text: str) -> list[str]:
    r"""The commands in the help of a verb.

    >>> list_examples("What it does.\n\nExamples:\n    nimblepose demo")
    ['nimblepose demo']
    """
    return [line.strip() for line in text.partition(_EXAMPLES)[2].splitlines() if line.strip()]


def _quieten(parameters: list[Any]) -> list[Any]:
    """Typer writes `<bool>` behind every switch, as if a value could follow."""
    for parameter in parameters:
        if getattr(parameter, "is_flag", False):
            parameter.metavar = ""
    return parameters
