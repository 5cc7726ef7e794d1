"""Progress bars on the error stream, where there is somebody to see them."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from nimblepose.core.progress import Progress as CountProgress
from nimblepose.core.progress import StageProgress

Advance = Callable[[str, float, int, int], None]


def format_count(number: int, one: str, many: str) -> str:
    """One person is no people.

    >>> format_count(1, "person", "people"), format_count(0, "person", "people")
    ('1 person', '0 people')
    """
    return f"{number} {one if number == 1 else many}"


@contextmanager
def show_picture_bar(total: int, *, quiet: bool) -> Iterator[Progress]:
    """A bar over `total` pictures; hidden when quiet, when there is one, or when nobody watches."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    shown = total > 1 and not quiet and console.is_terminal
    with Progress(*columns, console=console, disable=not shown, transient=True) as progress:
        yield progress


@contextmanager
def show_count_bar(what: str, total: int, *, quiet: bool) -> Iterator[CountProgress]:
    """A bar over `total` things; hidden as the one over pictures is.

    Yields:
        A function to call with the number of those done.
    """
    with show_picture_bar(total, quiet=quiet) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.update(task, completed=done)


@contextmanager
def show_stages_bar(*, quiet: bool) -> Iterator[StageProgress]:
    """A bar for each thing that is done, one after the other; hidden when quiet, or when nobody watches.

    Yields:
        A function to call with what is being done, how much of it is done, and how much there is.
    """
    with show_picture_bar(2, quiet=quiet) as progress:

        def show(what: str, done: int, total: int) -> None:
            last = progress.tasks[-1] if progress.tasks else None
            if last is None or last.finished or last.description != what:
                for task in progress.task_ids:
                    progress.remove_task(task)
                progress.add_task(what, total=total)
            progress.update(progress.task_ids[-1], completed=done)

        yield show


@contextmanager
def show_download_bar() -> Iterator[StageProgress]:
    """A bar that appears with the first byte; one line per file."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        tasks = {}

        def show(name: str, arrived: int, size: int) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(name, total=size)
            progress.update(tasks[name], completed=arrived)

        yield show


@contextmanager
def show_video_bar(start: float, end: float, *, quiet: bool) -> Iterator[Advance]:
    """A bar over the seconds of a video, with frames per second, people and time left; of live sources without end.

    Args:
        start: First second.
        end: Last one; infinite where nobody knows.
        quiet: Show nothing.

    Yields:
        A function to call after every frame: stage, time of the frame, people in it, frames dropped so far.
    """
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[speed]}"),
        TextColumn("{task.fields[people]}"),
        TimeRemainingColumn(),
    )
    hidden = quiet or not console.is_terminal
    with Progress(*columns, console=console, disable=hidden, transient=True, refresh_per_second=4) as progress:
        tasks: dict[str, TaskID] = {}
        recent: deque[float] = deque(maxlen=50)  # when the last frames were done

        def advance(stage: str, seconds: float, people: int, dropped: int) -> None:
            if hidden:
                return
            if stage not in tasks:
                total = None if end == float("inf") else max(end - start, 1e-3)
                tasks[stage] = progress.add_task(stage, total=total, speed="", people="")
                recent.clear()
            recent.append(time.perf_counter())
            rate = (len(recent) - 1) / max(recent[-1] - recent[0], 1e-9)
            progress.update(
                tasks[stage],
                completed=seconds - start,
                speed=f"{rate:.1f} frames/s" + (f", {dropped} dropped" if dropped else ""),
                people=format_count(people, "person", "people"),
            )

        yield advance
