"""The progress of a batch: units, frames per second, people, time left; a line a minute where nobody watches."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from nimblepose.batch.driving import Outcome

_LINES = 60.0  # seconds between two lines of a log


@contextmanager
def show_batch_bar(total: int, *, quiet: bool) -> Iterator[Callable[["Outcome"], None]]:
    """A bar over `total` units; where the error stream is no terminal a line a minute, for the logs of clusters.

    Yields:
        A function to call with what is done so far.
    """
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    hidden = quiet or not console.is_terminal
    started, said = time.monotonic(), time.monotonic()
    with Progress(*columns, console=console, disable=hidden, transient=True, refresh_per_second=2) as progress:
        task = progress.add_task("batch", total=total)

        def tell(outcome: "Outcome") -> None:
            nonlocal said
            rate = outcome.frames / max(time.monotonic() - started, 1e-9)
            people = outcome.people / max(outcome.frames, 1)
            text = f"{rate:.1f} frames/s, {people:.1f} people in each"
            text += f", {len(outcome.failed)} failed" if outcome.failed else ""
            text += ", waiting for another run" if outcome.waiting else ""
            progress.update(task, completed=outcome.done, total=outcome.total, description=text)
            if hidden and not quiet and time.monotonic() - said >= _LINES:
                said = time.monotonic()
                left = (outcome.total - outcome.done) * (said - started) / max(outcome.done, 1)
                print(
                    f"nimblepose: {outcome.done} of {outcome.total} units, {text}, about {format_duration(left)} left",
                    file=sys.stderr,
                    flush=True,
                )

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
