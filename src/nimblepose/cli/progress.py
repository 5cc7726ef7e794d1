"""Progress bars on the error stream, where there is somebody to see them."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from nimblepose.runtime.models import Progress as ByteProgress


@contextmanager
def picture_bar(total: int, *, quiet: bool) -> Iterator[Progress]:
    """A bar over `total` pictures; hidden when quiet, when there is one, or when nobody watches."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    shown = total > 1 and not quiet and console.is_terminal
    with Progress(*columns, console=console, disable=not shown, transient=True) as progress:
        yield progress


@contextmanager
def download_bar() -> Iterator[ByteProgress]:
    """A bar that appears with the first byte; one line per file."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        tasks = {}

        def told(name: str, arrived: int, size: int) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(name, total=size)
            progress.update(tasks[name], completed=arrived)

        yield told
