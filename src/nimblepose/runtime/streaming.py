"""Many at a time, in order, with bounded memory."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def count_usable_cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_in_order(function: Callable[[T], R], items: Iterable[T], *, workers: int) -> Generator[R, None, None]:
    """Like `map`, by `workers` threads; results come in order, at most `workers + 1` items are under way.

    Items are taken in the caller's thread. An exception, of `function` or of `items`, is raised in its turn, after the
    results before it; then, or when the caller stops early, nothing further is started and the threads end.
    """
    pending: deque[Future[R]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="nimblepose") as pool:
        try:
            source = iter(items)
            while True:
                try:
                    item = next(source)
                except StopIteration:
                    break
                except Exception:
                    yield from (future.result() for future in _drain(pending))
                    raise
                pending.append(pool.submit(function, item))
                if len(pending) > workers:
                    yield pending.popleft().result()
            yield from (future.result() for future in _drain(pending))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _drain(pending: deque[Future[R]]) -> Iterator[Future[R]]:
    while pending:
        yield pending.popleft()
