"""Progress of a training run: a bar with the time left, or a line now and then where nobody watches."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from nimblepose.training.engine import TrainingStep

_LINE_EVERY = 100  # steps, where the output is no terminal


@contextmanager
def show_training_bar(*, shown: bool) -> Iterator[Callable[["TrainingStep"], None]]:
    """What the loop is to call after every step."""
    console = Console(stderr=True)
    live = shown and console.is_terminal
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not live) as progress:
        tasks: dict[int, TaskID] = {}
        latest_ap: list[float] = []

        def watch(step: "TrainingStep") -> None:
            if step.ap is not None:
                latest_ap[:] = [step.ap]
            ap = f", AP {latest_ap[0]:.3f}" if latest_ap else ""
            text = f"phase {step.phase + 1}/{step.phases}: loss {step.loss:.4g}{ap}"
            if step.phase not in tasks:
                tasks[step.phase] = progress.add_task(text, total=step.steps)
            progress.update(tasks[step.phase], completed=step.step, description=text)
            if shown and not live and (step.step % _LINE_EVERY == 0 or step.step == step.steps or step.ap is not None):
                left = (step.steps - step.step) * step.seconds
                console.print(f"{text}, step {step.step}/{step.steps}, about {left / 60:.0f} min left", highlight=False)

        yield watch
