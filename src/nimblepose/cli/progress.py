"""Progress bars on the error stream where there is somebody to see them; elsewhere a line every so often."""

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from nimblepose.core.progress import Progress as CountProgress
from nimblepose.core.progress import StageProgress
from nimblepose.core.text import format_count

EVERY = 60.0  # seconds between lines where nobody watches a bar

Advance = Callable[[str, float, int, int], None]


class _Lines(Progress):
    """No bar: a line now and then, so that the log of a run of hours says how far it is. Short runs print none."""

    def __init__(self, tell: Callable[[Task], str], every: float) -> None:
        super().__init__(disable=True)
        self._tell, self._every, self._last = tell, every, time.monotonic()

    def update(self, task_id: TaskID, **changes: Any) -> None:
        super().update(task_id, **changes)
        self._say(task_id)

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        super().advance(task_id, advance)
        self._say(task_id)

    def _say(self, task_id: TaskID) -> None:
        now = time.monotonic()
        if now - self._last >= self._every:
            self._last = now
            print(f"nimblepose: {self._tell(self._tasks[task_id])}", file=sys.stderr, flush=True)


def start_bar(*columns: ProgressColumn, tell: Callable[[Task], str], quiet: bool, every: float = EVERY) -> Progress:
    """A bar on a terminal, lines elsewhere, nothing if quiet."""
    console = Console(stderr=True)
    if not quiet and not console.is_terminal:
        return _Lines(tell, every)
    return Progress(*columns, console=console, disable=quiet, transient=True, refresh_per_second=4)


def _count(task: Task) -> str:
    return f"{task.description}: {task.completed:.0f}" + ("" if task.total is None else f" of {task.total:.0f}")


@contextmanager
def show_picture_bar(total: int, *, quiet: bool, every: float = EVERY) -> Iterator[Progress]:
    """A bar over `total` pictures, a line each `every` seconds where nobody watches; none when quiet, or of one."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with start_bar(*columns, tell=_count, quiet=quiet or total <= 1, every=every) as progress:
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
def show_video_bar(
    start: float, end: float, *, quiet: bool, name: str = "", place: str = "", every: float = EVERY
) -> Iterator[Advance]:
    """A bar over the seconds of a video, with frames per second, people and time left; of live sources without end.

    Args:
        start: First second.
        end: Last one; infinite where nobody knows.
        quiet: Show nothing.
        name: Of the video; a long one is cut at its beginning.
        place: Which of how many it is, "2/5"; nothing if it is the only one.
        every: Seconds between lines where nobody watches.

    Yields:
        A function to call after every frame: stage, time of the frame, people in it, frames dropped so far.
    """
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[speed]}"),
        TextColumn("{task.fields[people]}"),
        TimeRemainingColumn(),
    )
    shown = f"...{name[-25:]}" if len(name) > 28 else name

    def tell(task: Task) -> str:
        whole = "" if task.total is None else f" of {task.total:.0f}"
        return f"{task.description}: {task.completed:.0f}{whole} s, {task.fields['speed']}, {task.fields['people']}"

    with start_bar(*columns, tell=tell, quiet=quiet, every=every) as progress:
        tasks: dict[str, TaskID] = {}
        recent: deque[float] = deque(maxlen=50)  # when the last frames were done

        def advance(stage: str, seconds: float, people: int, dropped: int) -> None:
            if quiet:
                return
            if stage not in tasks:
                total = None if end == float("inf") else max(end - start, 1e-3)
                about = " ".join(part for part in (place, shown, stage) if part)
                tasks[stage] = progress.add_task(about, total=total, speed="", people="")
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
