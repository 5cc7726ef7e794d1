"""Live sources: the newest frame wins, lost connections come back, memory does not grow."""

import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from nimblepose.core.errors import MediaError
from nimblepose.media.frames import EVERYTHING, Frame, Selection, StreamInfo
from nimblepose.media.pictures import Picture

_log = logging.getLogger(__name__)
_MAX_DRIFT = 1.0  # seconds that a sender's time stamps may differ from our clock before we start again from the clock
_LEAST_STEP = 0.001  # seconds between frames, so that time always increases


@dataclass(frozen=True, kw_only=True)
class LiveOptions:
    """How long to wait, in seconds."""

    timeout: float = 10.0  # without an answer or a frame: the connection is lost
    first_wait: float = 0.5  # before connecting again; doubled with each failure
    longest_wait: float = 10.0
    give_up_after: float | None = 60.0  # without any frame; None: never


PATIENCE = LiveOptions()


class Arrival(NamedTuple):
    """A frame that has come in and whose picture is made only if somebody wants it."""

    time: float | None  # seconds by the sender's time stamps, from any beginning; None: there are none to be trusted
    picture: Callable[[], Picture]


class Connection(Protocol):
    """Something that delivers frames until it is lost, and can be opened again."""

    info: StreamInfo

    def read_arrivals(self, stop: threading.Event) -> Iterator[Arrival]:
        """Frames as they come, until the sender ends, `stop` is set, or `MediaError` is raised; connects if need be."""


class LiveSource:
    """Frames of a connection, read by a thread of its own, which keeps the newest one only.

    Frames that nobody took in time are counted in `dropped`. A lost connection is opened again, after longer and longer
    waits; index and time go on. If no frame comes for `give_up_after` seconds the stream ends, and `problems` says so.
    """

    live = True

    def __init__(
        self,
        connection: Connection,
        selection: Selection = EVERYTHING,
        options: LiveOptions = PATIENCE,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start to read.

        Args:
            connection: Open already, so that a wrong address was an error before.
            selection: Which frames.
            options: Waiting times.
            clock: Seconds.
        """
        self.info = connection.info
        self.problems: list[str] = []
        self.dropped = self.reconnections = 0
        self._connection, self._selection, self._options, self._clock = connection, selection, options, clock
        self._newest: tuple[int, float, Callable[[], Picture]] | None = None
        self._news, self._stop, self._done = threading.Condition(), threading.Event(), False
        self._began: float | None = None  # by our clock, at the first frame
        self._index, self._latest = -1, -_LEAST_STEP
        self._thread = threading.Thread(target=self._read, name="nimblepose-live", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[Frame]:
        """The newest frame, each time one is asked for; waits if that one was delivered already."""
        try:
            while True:
                with self._news:
                    self._news.wait_for(lambda: self._newest or self._done)
                    newest, self._newest = self._newest, None
                if newest is None or self._stop.is_set():
                    return
                index, seconds, picture = newest
                yield Frame(index, seconds, picture())
        finally:
            self.close()

    def close(self) -> None:
        """Stop reading; the thread ends with the next frame, or when its wait for the network times out."""
        self._stop.set()
        self._end()

    def _end(self) -> None:
        with self._news:
            self._done = True
            self._news.notify_all()

    def _read(self) -> None:
        """The thread: read, and connect again whenever the connection is lost."""
        options = self._options
        last, wait = self._clock(), options.first_wait  # when a frame came last; how long to wait next
        while not self._stop.is_set():
            before = self._index
            reason = "the sender ended it"
            try:
                if not self._receive():
                    break
            except MediaError as error:
                reason = str(error)
            except Exception as error:  # whatever a driver raises must end the stream, not leave its reader waiting
                reason = f"unexpected {type(error).__name__}: {error}"
            if self._index > before:
                last, wait = self._clock(), options.first_wait
            silent = self._clock() - last
            if options.give_up_after is not None and silent >= options.give_up_after:
                self.problems.append(f"{self.info.name}: no frame for {silent:.0f} s, given up; last: {reason}")
                break
            _log.warning("%s: connection lost (%s); again in %.1f s", self.info.name, reason, wait)
            self._stop.wait(wait)
            self.reconnections, wait = self.reconnections + 1, min(2 * wait, options.longest_wait)
        self._end()

    def _receive(self) -> bool:
        """Publish frames until the connection is lost (True) or none is wanted any more (False)."""
        offset: float | None = None  # from the sender's time stamps to our time
        for arrival in self._connection.read_arrivals(self._stop):
            if self._stop.is_set():
                return False
            clock = self._clock()
            if self._began is None:
                self._began = clock
                self.info = dataclasses.replace(self.info, started=datetime.now(UTC))
            now = seconds = clock - self._began
            if arrival.time is not None:
                offset = now - arrival.time if offset is None else offset
                seconds = arrival.time + offset
                if abs(seconds - now) > _MAX_DRIFT:
                    offset, seconds = now - arrival.time, now
            seconds = round(max(seconds, self._latest + _LEAST_STEP), 6)
            if self._selection.is_over(seconds):
                return False
            self._index, self._latest = self._index + 1, seconds
            if self._selection.wants(self._index, seconds):
                with self._news:
                    self.dropped += self._newest is not None
                    self._newest = (self._index, seconds, arrival.picture)
                    self._news.notify()
        return not self._stop.is_set()
