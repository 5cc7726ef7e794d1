"""Many at a time, in order, with bounded memory."""

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from nimblepose.core.share import count_usable_cores
from nimblepose.runtime.forks import check_process

_log = logging.getLogger(__name__)
INPUT_PIXELS = 1 << 23  # that the network sees at a time, in all threads together
_MANY_THREADS = 16  # may be asked for anywhere

T = TypeVar("T")
R = TypeVar("R")


def limit_threads(threads: int) -> int:
    """As many as were asked for, or as there are cores where that is out of all proportion; it is logged.

    Each costs memory and a part of a core: a thousand on two cores never come to an end.
    """
    cores = count_usable_cores()
    if threads <= max(_MANY_THREADS, 2 * cores):
        return threads
    _log.warning("%d threads were asked for, but %d cores can be used: %d threads are taken", threads, cores, cores)
    return cores


def map_in_order(
    function: Callable[[T], R],
    items: Iterable[T],
    *,
    workers: int,
    most: int | None = None,
    most_bytes: int | None = None,
) -> Generator[R, None, None]:
    """Like `map`, by `workers` threads; results come in order, at most `most` items (`workers + 1`) are under way.

    Arrays under way have at most `most_bytes` together; one that has more is alone.

    Items are taken in the caller's thread. An exception, of `function` or of `items`, is raised in its turn, after the
    results before it; then, or when the caller stops early, nothing further is started and the threads end.
    """
    pending: deque[Future[R]] = deque()
    process = os.getpid()
    most = workers + 1 if most is None else most
    sizes: deque[int] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="nimblepose") as pool:
        try:
            source = iter(items)
            while True:
                check_process(process, "this stream was begun")
                try:
                    item = next(source)
                except StopIteration:
                    break
                except Exception:
                    yield from (future.result() for future in _drain(pending))
                    raise
                size = count_bytes(item)
                while pending and most_bytes is not None and sum(sizes) + size > most_bytes:
                    sizes.popleft()
                    yield pending.popleft().result()
                pending.append(pool.submit(function, item))
                sizes.append(size)
                if len(pending) >= most:
                    sizes.popleft()
                    yield pending.popleft().result()
            for future in _drain(pending):
                check_process(process, "this stream was begun")
                yield future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def count_bytes(item: Any) -> int:
    """Of an array, or of a file in memory; anything else counts for nothing."""
    return len(item) if isinstance(item, bytes | bytearray) else int(getattr(item, "nbytes", 0))


class Allowance:
    """So much of something for all threads together: who would take more than is left waits until others give back.

    Who needs more than there is at all gets it when nobody else has any.
    """

    def __init__(self, total: int) -> None:
        """All of it is there."""
        self._total, self._taken = total, 0
        self._returned = threading.Condition()

    @contextmanager
    def taken(self) -> Iterator[Callable[[int], None]]:
        """A function to take some with, which the end of the block gives back.

        It is called once in a block: of several who wait for more while they have some, none would ever get it.
        """
        amount = 0

        def take(wanted: int) -> None:
            nonlocal amount
            with self._returned:
                self._returned.wait_for(lambda: not self._taken or self._taken + wanted <= self._total)
                self._taken += wanted
            amount = wanted

        try:
            yield take
        finally:
            with self._returned:
                self._taken -= amount
                self._returned.notify_all()


def _drain(pending: deque[Future[R]]) -> Iterator[Future[R]]:
    while pending:
        yield pending.popleft()
