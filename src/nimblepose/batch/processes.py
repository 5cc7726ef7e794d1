"""Worker processes of this machine, each with one thread, that live and die by themselves."""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from nimblepose.batch.driving import Ended

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class Workers:
    """An engine: so many processes, begun when they are needed; one that dies costs its task, and another is begun.

    They are spoken to in lines of JSON. When this process is gone, they end what they are at, and then themselves.
    """

    def __init__(self, count: int, *, module: str = "nimblepose.batch.worker") -> None:
        """No process is begun yet.

        Args:
            count: Processes.
            module: Of Python that each runs.
        """
        self.slots = count
        self._command = [sys.executable, "-m", module]
        self._idle: list[_Worker] = []
        self._busy: dict[int, _Worker] = {}
        self._ended: queue.SimpleQueue[tuple[_Worker, str | None]] = queue.SimpleQueue()

    @property
    def processes(self) -> list[int]:
        """Their ids."""
        return [worker.process.pid for worker in (*self._idle, *self._busy.values())]

    def submit(self, task: dict[str, Any]) -> None:
        """Begin a task."""
        worker = self._idle.pop() if self._idle else _Worker(self._command, self._hear)
        worker.task = str(task["id"])
        self._busy[id(worker)] = worker
        worker.say(task)

    def wait(self) -> Ended:
        """The next task that comes to an end, by a result or by the death of its process."""
        while True:
            worker, line = self._ended.get()
            if self._busy.pop(id(worker), None) is None:  # it died without a task
                self._idle = [other for other in self._idle if other is not worker]
                continue
            if line is not None:
                self._idle.append(worker)
                return Ended(worker.task, json.loads(line))
            return Ended(worker.task, None, _name_end(worker.process.wait()))

    def close(self, *, at_once: bool = False) -> None:
        """End all processes."""
        workers = [*self._idle, *self._busy.values()]
        self._idle, self._busy = [], {}
        for worker in workers:
            worker.end(at_once=at_once)
        for worker in workers:
            worker.process.wait()

    def _hear(self, worker: "_Worker", line: str | None) -> None:
        self._ended.put((worker, line))


class _Worker:
    """One process, and a thread that listens to it."""

    def __init__(self, command: list[str], hear: "Callable[[_Worker, str | None], None]") -> None:
        self.task = ""
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8", env=_environment()
        )
        threading.Thread(target=self._listen, args=(hear,), daemon=True).start()

    def say(self, message: Mapping[str, Any]) -> None:
        with suppress(OSError):  # it is dead: who listens hears that
            _pipe(self.process.stdin).write(json.dumps(message) + "\n")
            _pipe(self.process.stdin).flush()

    def end(self, *, at_once: bool) -> None:
        if at_once:
            self.process.kill()
        with suppress(OSError):
            _pipe(self.process.stdin).close()

    def _listen(self, hear: "Callable[[_Worker, str | None], None]") -> None:
        for line in _pipe(self.process.stdout):
            if line.endswith("\n"):
                hear(self, line)
        hear(self, None)


def _pipe(stream: Any) -> Any:
    """Of a process that was begun with pipes."""
    if stream is None:
        raise ValueError("no pipe")
    return stream


def _environment() -> dict[str, str]:
    """One thread each; and what Python finds here, it finds there."""
    paths = [path for path in sys.path if path]
    return {**os.environ, **ONE_THREAD, "PYTHONPATH": os.pathsep.join(paths)}


def _name_end(code: int) -> str:
    if code == -9:
        return "killed; was there memory enough?"
    return f"ended by signal {-code}" if code < 0 else f"ended with {code}"
