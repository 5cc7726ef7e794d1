"""The first Ctrl-C asks for an orderly end, the second one takes what it gets."""

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stop_on_signals(stop: Callable[[], None], message: str, *, apart: float = 0.0) -> Iterator[None]:
    """The first Ctrl-C (or request to terminate) prints a message and calls `stop`; the second interrupts as usual.

    Args:
        stop: Asks for the end.
        message: Says what will happen until then.
        apart: Seconds within which a second signal is taken for the first: torchrun passes on what a terminal sends.
    """
    names = [signal.SIGINT, signal.SIGTERM]
    before = {name: signal.getsignal(name) for name in names}
    first: list[float] = []

    def handle(number: int, frame: FrameType | None) -> None:
        if first and time.monotonic() - first[0] >= apart:
            signal.default_int_handler(number, frame)
        if not first:
            first.append(time.monotonic())
            print(f"nimblepose: {message} (again to stop at once)", file=sys.stderr)
            stop()

    try:
        for name in names:
            signal.signal(name, handle)
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
