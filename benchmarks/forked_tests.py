"""Tests in a process forked for them, which has imported already what takes long; for `mutations.py`."""

import contextlib
import json
import os
import resource
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

MEMORY, DISK = 16 << 30, 1 << 30  # bytes: address space, and the largest file that a mutant may write
HUNG = -1  # status of a run that took too long


class FirstFailure:
    """Remembers which test failed first, or which file could not be read."""

    def __init__(self) -> None:
        """None so far."""
        self.failed = ""

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Remember the first."""
        self.failed = self.failed or (report.nodeid if report.failed else "")

    pytest_collectreport = pytest_runtest_logreport


class Order(FirstFailure):
    """Runs these tests in this order."""

    def __init__(self, chosen: Sequence[str]) -> None:
        """Choose."""
        super().__init__()
        self.rank = {name: number for number, name in enumerate(chosen)}

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Only these, in this order."""
        items[:] = sorted((item for item in items if item.nodeid in self.rank), key=lambda i: self.rank[i.nodeid])


class Reach(FirstFailure):
    """Which functions each test reaches, with those that its fixtures reached, and how long it takes."""

    def __init__(self, source: Path) -> None:
        """Watch functions of files below `source`."""
        super().__init__()
        self.source = f"{source}/"
        self.tests: dict[str, tuple[float, list[list[str]]]] = {}  # seconds, and (file, function) from the checkout
        self.fixtures: dict[int, set[tuple[str, str]]] = {}
        self.now: set[tuple[str, str]] = set()

    def _note(self, frame: Any, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(self.source):
            self.now.add((frame.f_code.co_filename, frame.f_code.co_qualname.split(".<locals>")[0]))

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Any:
        """Keep what a fixture reaches, for all tests that use it."""
        outer, self.now = self.now, set()
        try:
            return (yield)
        finally:
            self.fixtures[id(fixturedef)] = self.now | self.fixtures.get(id(fixturedef), set())
            self.now |= outer

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: Any) -> Any:
        """Watch a test and its fixtures."""
        self.now, start = set(), time.perf_counter()
        threading.setprofile(self._note)
        sys.setprofile(self._note)
        try:
            return (yield)
        finally:
            sys.setprofile(None)
            for definitions in item._fixtureinfo.name2fixturedefs.values():
                self.now |= self.fixtures.get(id(definitions[-1]), set())
            reached = [[os.path.relpath(file, Path(self.source).parent), name] for file, name in self.now]
            self.tests[item.nodeid] = (time.perf_counter() - start, reached)


def run_tests(copy: Path, files: Sequence[str], plugin: Any, seconds: float, *, keep: bool = False) -> tuple[int, Any]:
    """Run tests of a copy of the checkout in a process of their own.

    Args:
        copy: Folder; what is written lands there or beside it.
        files: With tests, from there.
        plugin: Of pytest; a `FirstFailure`.
        seconds: After which the process and its children are ended.
        keep: Keep bytecode for later runs.

    Returns:
        Exit status of pytest, and what the plugin remembers: `failed`, `tests`.
    """
    answer, temporary = copy.parent / "answer.json", copy.parent / "temporary"
    answer.unlink(missing_ok=True)
    temporary.mkdir(exist_ok=True)
    child = os.fork()
    if not child:
        status = 70
        try:
            _prepare(copy, temporary, keep=keep)
            options = ["-x", "-q", "--tb=short", "-p", "no:cacheprovider", f"--basetemp={temporary / 'pytest'}"]
            status = int(pytest.main([*options, f"--rootdir={copy}", *files], plugins=[plugin]))
            answer.write_text(json.dumps({"failed": plugin.failed, "tests": getattr(plugin, "tests", None)}))
        finally:
            os._exit(status)
    try:
        status = _wait(child, time.monotonic() + seconds)
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)
    return status, json.loads(answer.read_text()) if answer.is_file() else {}


def _prepare(copy: Path, temporary: Path, *, keep: bool) -> None:
    """Make this process one that imports from the copy, and can do no harm."""
    os.setsid()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (DISK, DISK))
    os.chdir(copy)
    log = os.open(copy.parent / "log.txt", os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.path[:0] = [str(copy / "src"), str(copy)]
    sys.dont_write_bytecode = not keep
    tempfile.tempdir = str(temporary)
    os.environ |= {"PYTHONPATH": str(copy / "src"), "TMPDIR": str(temporary)}
    os.environ["PYTHONDONTWRITEBYTECODE"] = "" if keep else "1"


def _wait(child: int, deadline: float) -> int:
    """Exit status of a child; that of one that takes too long, and is killed, is HUNG."""
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return HUNG
        time.sleep(0.005)
