"""One process that serves, or several that share an address; how they begin, and how they end."""

import asyncio
import json
import logging
import multiprocessing
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType
from typing import Literal

import uvicorn

from nimblepose.core.errors import OptionError, PoseError
from nimblepose.serve.app import make_app
from nimblepose.serve.metrics import Metrics
from nimblepose.serve.options import ServeOptions
from nimblepose.serve.service import Service

_log = logging.getLogger(__name__)
_GRACE = 5.0  # seconds to answer beyond the time-out of requests
_SOON = 1.0  # seconds of life below which a process that ends has failed to begin
_BACKLOG = 512


class _Server(uvicorn.Server):
    """Answers whoever waits before it ends, and says meanwhile that it is about to."""

    def __init__(self, config: uvicorn.Config, service: Service, ended: threading.Event) -> None:
        super().__init__(config)
        self._service, self._ending, self._ended = service, False, ended

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Signals come here by now; one that came before is not forgotten."""
        await super().startup(sockets)
        self.should_exit = self.should_exit or self._ended.is_set()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal asks for an orderly end, the second one for an end."""
        if self._ending:
            super().handle_exit(sig, frame)
        else:
            self._ending = True
            asyncio.get_running_loop().call_soon_threadsafe(asyncio.ensure_future, self._end())

    async def _end(self) -> None:
        _log.info("ending; %d requests are answered", self._service.open_requests)
        await self._service.drain(self._service.options.timeout + _GRACE)
        self.should_exit = True


def bind(host: str, port: int) -> socket.socket:
    """A socket that waits at an address.

    Raises:
        OptionError: it cannot be had.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
        if sys.platform != "win32":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(_BACKLOG)
    except OSError as error:
        raise OptionError(f"cannot serve at {host}:{port}: {error.strerror or error}; choose another --port") from error
    return bound


def serve(options: ServeOptions, *, tell: Callable[[str], None]) -> None:
    """Serve until somebody asks for the end (SIGINT, SIGTERM); whoever waits is answered first.

    Args:
        options: All of them.
        tell: Called with the address when requests may be sent there.

    Raises:
        PoseError: the address cannot be had, or the model cannot be loaded.
    """
    Service(options)  # says now, and once, that there is no such model
    with bind(options.host, options.port) as bound, _note_signals() as ended:
        host, port = bound.getsockname()[:2]
        tell(f"http://{f'[{host}]' if ':' in host else host}:{port}")
        if options.processes == 1:
            run_process(options, bound, ended)
        else:
            _supervise(options, bound, ended)


@contextmanager
def _note_signals() -> Iterator[threading.Event]:
    """Set when the end is asked for (SIGINT, SIGTERM): uvicorn listens later, and raises what it heard again."""
    ended = threading.Event()
    before = {number: signal.signal(number, lambda *_: ended.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def make_server(
    service: Service, failed: Callable[[PoseError], None], ended: threading.Event | None = None
) -> uvicorn.Server:
    """What takes requests for a service; if its model cannot be loaded it calls `failed` and ends.

    Args:
        service: What requests share.
        failed: Called if the model cannot be loaded.
        ended: Set if the end was asked for before the server listens to signals.
    """
    server: uvicorn.Server

    def fail(error: PoseError) -> None:
        failed(error)
        server.should_exit = True

    config = uvicorn.Config(
        make_app(service, fail),
        http="httptools",
        ws="websockets-sansio",
        loop="asyncio",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws_max_size=service.options.max_bytes,
        ws_per_message_deflate=False,  # pictures are compressed already
        timeout_keep_alive=30,
        timeout_graceful_shutdown=round(_GRACE),
        lifespan="on",
    )
    server = _Server(config, service, ended or threading.Event())
    return server


def run_process(
    options: ServeOptions,
    bound: socket.socket,
    ended: threading.Event,
    *,
    metrics: Path | None = None,
    process: int = 0,
) -> None:
    """One process.

    Args:
        options: All of them; `threads` are those of this process.
        bound: Where requests come.
        ended: Set if the end was asked for already.
        metrics: File that the processes of a server share.
        process: Which one this is.

    Raises:
        PoseError: the model cannot be loaded.
    """
    set_up_log(options.log)
    service = Service(options, Metrics(metrics, process=process, processes=options.processes))
    failures: list[PoseError] = []
    make_server(service, failures.append, ended).run(sockets=[bound])
    if failures:
        raise failures[0]


def set_up_log(form: Literal["text", "json"]) -> None:
    """Lines on standard error: of every request one, and what else happens."""
    handler = logging.StreamHandler()
    handler.setFormatter(_JsonLines() if form == "json" else _TextLines())
    for name, level in (("nimblepose", logging.INFO), ("uvicorn", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)


class _TextLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        stamp = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        facts = getattr(record, "facts", None)
        text = super().format(record) if facts is None else " ".join(f"{k}={v}" for k, v in facts.items())
        return f"{stamp} {record.levelname.lower()} {text}"


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        stamp = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        facts = getattr(record, "facts", None) or {"message": super().format(record)}
        return json.dumps({"time": stamp, "level": record.levelname.lower(), **facts}, ensure_ascii=False)


def _supervise(options: ServeOptions, bound: socket.socket, ended: threading.Event) -> None:
    """Keep so many processes running until the end is asked for; one that dies is replaced."""
    spawning = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="nimblepose") as folder:
        metrics = Path(folder) / "metrics"
        Metrics.make_shared(metrics, options.processes)

        def start(process: int) -> tuple[BaseProcess, float]:
            one = spawning.Process(target=_run_child, args=(options, bound, metrics, process), daemon=True)
            one.start()
            return one, time.monotonic()

        running = [start(process) for process in range(options.processes)]
        failed = False
        try:
            while not ended.wait(0.1):
                for process, (one, since) in enumerate(running):
                    if one.is_alive():
                        continue
                    if one.exitcode == 2 or time.monotonic() - since < _SOON:  # it has said why
                        failed = True
                        ended.set()
                        break
                    _log.warning("process %d ended (%s); another takes its place", process, one.exitcode)
                    running[process] = start(process)
        finally:
            for one, _ in running:
                if one.is_alive():
                    one.terminate()
            for one, _ in running:
                one.join(options.timeout + 2 * _GRACE)
                if one.is_alive():
                    one.kill()
    if failed:
        raise OptionError("a process of the server could not begin; its own message stands above")


def _run_child(options: ServeOptions, bound: socket.socket, metrics: Path, process: int) -> None:
    try:
        with _note_signals() as ended:
            run_process(options, bound, ended, metrics=metrics, process=process)
    except PoseError as error:
        print(f"nimblepose: {error}", file=sys.stderr)
        sys.exit(2)
