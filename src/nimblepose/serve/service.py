"""What all requests of a process share: the model, the threads, what may still come in, whether it is about to end."""

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import numpy as np

from nimblepose.runtime.estimator import PoseEstimator
from nimblepose.runtime.models import find_model
from nimblepose.runtime.quality import QualityName
from nimblepose.serve.metrics import Metrics
from nimblepose.serve.options import ServeOptions
from nimblepose.serve.problems import ClientGoneError, ProblemError
from nimblepose.serve.workers import Done, QueueFullError, Workers

_log = logging.getLogger(__name__)
_SAMPLE = (480, 640, 3)  # of the first picture, which nobody waits for
T = TypeVar("T")


class Service:
    """One process of a server."""

    def __init__(self, options: ServeOptions, metrics: Metrics | None = None) -> None:
        """Nothing is loaded yet.

        Raises:
            ModelError: there is no such model.
        """
        self.options = options
        self.metrics = metrics or Metrics()
        self.model = find_model(options.model)
        self.streams = 0  # that are open
        self.open_requests = 0  # that wait for poses
        self.draining = asyncio.Event()
        self._estimator: PoseEstimator | None = None
        self._workers: Workers | None = None
        self._held = 0  # bytes of bodies
        self._seconds = 0.1  # that a picture takes, about

    # The model --------------------------------------------------------------------------------------------------------

    def load(self) -> None:
        """Open the model and look at a picture; takes seconds, and may be done by any thread.

        Raises:
            PoseError: it cannot be opened.
        """
        options = self.options
        estimator = PoseEstimator(
            self.model, quality=options.quality, threads=options.threads, streaming=True, max_pixels=options.max_pixels
        )
        estimator.for_threads().estimate(np.zeros(_SAMPLE, np.uint8))
        self._workers = Workers(estimator.threads, options.queue)
        self._estimator = estimator
        self.metrics.put("nimblepose_workers", estimator.threads)
        self.metrics.put("nimblepose_ready", 1)

    @property
    def name(self) -> str:
        """Of the model."""
        return self.model.stem

    @property
    def estimator(self) -> PoseEstimator:
        """The model.

        Raises:
            ProblemError: it is not there yet.
        """
        if self._estimator is None:
            raise ProblemError("loading", "the model is being loaded; ask again in a second", {"Retry-After": "1"})
        return self._estimator

    @property
    def workers(self) -> Workers:
        """The threads."""
        _ = self.estimator
        assert self._workers is not None  # noqa: S101 - they come with it
        return self._workers

    def choose_estimator(self, quality: QualityName | None, min_score: float | None) -> PoseEstimator:
        """The model as a request wants it."""
        return self.estimator.for_threads(quality=quality, min_pose_score=min_score)

    # Admission --------------------------------------------------------------------------------------------------------

    def check_open(self) -> None:
        """Whether work is taken at all, before anybody reads a body.

        Raises:
            ProblemError: the model is not there yet, or the server is about to end.
        """
        if self.draining.is_set():
            raise ProblemError("draining", "this server is about to end; ask another, or again", self._retry())
        _ = self.estimator

    @asynccontextmanager
    async def holding(self) -> AsyncIterator[Callable[[int], None]]:
        """A function to be told how many bytes have come; all that is held of bodies is bounded.

        Raises:
            ProblemError: (the function) with these bytes it would be too much.
        """
        most = (self.options.queue + self.workers.threads) * self.options.max_bytes
        own = 0

        def hold(count: int) -> None:
            nonlocal own
            if self._held + count > most:
                raise ProblemError("queue-full", "other requests fill the memory for bodies; ask again", self._retry())
            self._held += count
            own += count

        try:
            yield hold
        finally:
            self._held -= own

    async def compute(self, work: Callable[[], T]) -> Done[T]:
        """Have a thread do it.

        Raises:
            ProblemError: as many wait as may.
        """
        try:
            done = await self.workers.do(work)
        except QueueFullError as error:
            raise ProblemError(
                "queue-full",
                f"{self.workers.threads} pictures are worked on and {self.options.queue} wait, as many as may; "
                "ask again later, or raise --queue",
                self._retry(),
            ) from error
        self._seconds += 0.1 * (done.took - self._seconds)
        return done

    def _retry(self) -> dict[str, str]:
        """When there may be room again."""
        waiting = 0 if self._workers is None else self._workers.waiting * self._seconds / self._workers.threads
        return {"Retry-After": str(max(1, math.ceil(waiting)))}

    async def answer_in_time(self, receive: Callable[[], Awaitable[Any]], work: Coroutine[Any, Any, T]) -> T:
        """What `work` gives, unless it takes longer than may be, or its client leaves before.

        Args:
            receive: ASGI's, of a request whose body has been read: what comes next is that the client has left.
            work: To be cancelled then.

        Raises:
            ProblemError: it takes too long.
            ClientGoneError: the client has left.
        """
        task, gone = asyncio.ensure_future(work), asyncio.ensure_future(_wait_until_gone(receive))
        self.open_requests += 1
        try:
            await asyncio.wait({task, gone}, timeout=self.options.timeout, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            if gone.done():
                raise ClientGoneError
            raise ProblemError(
                "too-slow",
                f"no answer within {self.options.timeout:g} s; ask again, for less, or raise --timeout",
                self._retry(),
            )
        finally:
            self.open_requests -= 1
            for unfinished in (task, gone):
                unfinished.cancel()
            await asyncio.gather(task, gone, return_exceptions=True)

    # Ends -------------------------------------------------------------------------------------------------------------

    async def drain(self, seconds: float) -> None:
        """Take nothing new, and wait until everybody is answered, or for so many seconds."""
        self.draining.set()
        self.metrics.put("nimblepose_ready", 0)
        end = asyncio.get_running_loop().time() + seconds
        while (self.open_requests or self.streams) and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.02)

    def close(self) -> None:
        """End the threads."""
        if self._workers is not None:
            self._workers.close()

    def measure(self) -> None:
        """Write the gauges."""
        if self._workers is not None:
            self.metrics.put("nimblepose_queue", self._workers.waiting)
            self.metrics.put("nimblepose_busy_workers", self._workers.busy)
        self.metrics.put("nimblepose_streams", self.streams)


async def _wait_until_gone(receive: Callable[[], Awaitable[Any]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
