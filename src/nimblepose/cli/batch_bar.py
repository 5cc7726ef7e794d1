"""The progress of a batch: units, frames per second, people, time left; a line a minute where nobody watches."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Task, TextColumn, TimeRemainingColumn

from nimblepose.cli.progress import EVERY, start_bar
from nimblepose.core.text import format_count

if TYPE_CHECKING:
    from nimblepose.batch.driving import Outcome


@contextmanager
def show_batch_bar(total: int, *, quiet: bool, every: float = EVERY) -> Iterator[Callable[["Outcome"], None]]:
    """A bar over `total` units; where the error stream is no terminal a line each `every` seconds, for logs.

    Yields:
        A function to call with what is done so far.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    started = time.monotonic()

    def say(task: Task) -> str:
        left = ((task.total or 0) - task.completed) * (time.monotonic() - started) / max(task.completed, 1)
        done = f"{task.completed:.0f} of {format_count(round(task.total or 0), 'unit', 'units')}"
        return f"{done}, {task.description}, about {format_duration(left)} left"

    with start_bar(*columns, tell=say, quiet=quiet, every=every) as progress:
        task = progress.add_task("batch", total=total)

        def tell(outcome: "Outcome") -> None:
            rate = outcome.frames / max(time.monotonic() - started, 1e-9)
            people = outcome.people / max(outcome.frames, 1)
            text = f"{rate:.1f} frames/s, {people:.1f} people in each"
            text += f", {len(outcome.failed)} failed" if outcome.failed else ""
            text += ", waiting for another run" if outcome.waiting else ""
            progress.update(task, completed=outcome.done, total=outcome.total, description=text)

        yield tell


def format_duration(seconds: float) -> str:
    """As people say it.

    >>> format_duration(7), format_duration(90), format_duration(7260), format_duration(200_000)
    ('7 s', '2 min', '2.0 h', '2.3 days')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.1f} days"
