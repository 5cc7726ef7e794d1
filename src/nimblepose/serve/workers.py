"""Threads that compute, and who may wait for one: no more than was agreed, and nobody who has left."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class QueueFullError(Exception):
    """As many wait as may; try again later."""


@dataclass(frozen=True)
class Done(Generic[T]):
    """What a job has given, and its seconds."""

    value: T
    waited: float
    took: float


@dataclass(eq=False)
class _Job:
    work: Callable[[], Any]
    future: "asyncio.Future[Any]"
    loop: asyncio.AbstractEventLoop
    since: float = field(default_factory=time.perf_counter)


class Workers:
    """Threads that take jobs in the order they came; jobs whose callers give up are never begun."""

    def __init__(self, threads: int, queue: int) -> None:
        """Start the threads.

        Args:
            threads: Jobs at a time.
            queue: Jobs that may wait beside those; one more is refused.
        """
        self.threads, self.queue = threads, queue
        self.busy = 0  # jobs under way
        self._jobs: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._team = [threading.Thread(target=self._work, name=f"nimblepose {i}", daemon=True) for i in range(threads)]
        for thread in self._team:
            thread.start()

    @property
    def waiting(self) -> int:
        """Jobs that no thread has begun."""
        return len(self._jobs)

    async def do(self, work: Callable[[], T]) -> Done[T]:
        """Have a thread call `work`; to be cancelled like any coroutine, which keeps a job that waits from being begun.

        Raises:
            QueueFullError: as many wait as may.
            Exception: what `work` raises.
        """
        loop = asyncio.get_running_loop()
        job = _Job(work, loop.create_future(), loop)
        with self._changed:
            if self.busy + len(self._jobs) >= self.threads + self.queue or self._closed:
                raise QueueFullError
            self._jobs.append(job)
            self._changed.notify()
        try:
            done: Done[T] = await job.future
            return done
        except asyncio.CancelledError:
            with self._changed, suppress(ValueError):  # begun already
                self._jobs.remove(job)
            raise

    def close(self) -> None:
        """Begin no more jobs, and wait for those that are under way."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._team:
            thread.join()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._jobs or self._closed)
                if self._closed:
                    return
                job = self._jobs.popleft()
                self.busy += 1
            begun = time.perf_counter()
            error: BaseException | None = None
            value: Any = None
            try:
                value = job.work()
            except BaseException as caught:  # it belongs to whoever waits for the job
                error = caught
            done = Done(value, begun - job.since, time.perf_counter() - begun)
            with self._changed:
                self.busy -= 1
            with suppress(RuntimeError):  # the loop has ended
                job.loop.call_soon_threadsafe(_settle, job.future, done, error)
            del job, value, done, error  # pictures, until the next job comes


def _settle(future: "asyncio.Future[Any]", done: Done[Any], error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(done)
    else:
        future.set_exception(error)
