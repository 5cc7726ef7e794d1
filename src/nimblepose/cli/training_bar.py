"""Progress of a training run: a bar with the time left, or a line now and then where nobody watches."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

if TYPE_CHECKING:
    from nimblepose.training.engine import TrainingStep
    from nimblepose.training.validation import Validation

_LINE_EVERY = 100  # steps, where the output is no terminal


@contextmanager
def show_training_bar(*, shown: bool) -> Iterator[Callable[["TrainingStep"], None]]:
    """What the loop is to call after every step."""
    console = Console(stderr=True)
    live = shown and console.is_terminal
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[left]}"))
    with Progress(*columns, console=console, disable=not live) as progress:
        tasks: dict[int, TaskID] = {}
        latest: list[str] = []

        def watch(step: "TrainingStep") -> None:
            if step.found is not None:
                latest[:] = [_describe(step.found)]
            text = f"phase {step.phase + 1}/{step.phases}: loss {step.loss:.4g}{''.join(latest)}"
            if step.phase not in tasks:
                tasks[step.phase] = progress.add_task(text, total=step.steps, left="")
            progress.update(tasks[step.phase], completed=step.step, description=text, left=format_left(step.left))
            due = step.step % _LINE_EVERY == 0 or step.step == step.steps or step.found is not None
            if shown and not live and due:
                console.print(f"{text}, step {step.step}/{step.steps}, {format_left(step.left)}", highlight=False)

        yield watch


def format_left(seconds: float) -> str:
    """As people say it.

    >>> format_left(0.0), format_left(20.0), format_left(300.0), format_left(9000.0)
    ('done', 'less than a minute left', 'about 5 min left', 'about 2 h 30 min left')
    """
    minutes = round(seconds / 60)
    if not seconds:
        return "done"
    if minutes < 1:
        return "less than a minute left"
    hours, rest = divmod(minutes, 60)
    return f"about {hours} h {rest} min left" if hours else f"about {minutes} min left"


def _describe(found: "Validation") -> str:
    overall = found.pixels.overall
    off = "" if math.isnan(overall.mean) else f", {overall.mean:.1f} px off"
    missed = "" if math.isnan(overall.missed) else f", {overall.missed:.0%} missed"
    return f", AP {found.ap:.3f}{off}{missed}"
