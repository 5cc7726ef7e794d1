"""Worker processes: a task in, a result out; one that dies costs its task."""

import sys

import pytest

from nimblepose.batch.processes import Workers

CODE = """
import json, os, sys
for line in sys.stdin:
    task = json.loads(line)
    if "die" in task:
        os._exit(3) if task["die"] == "exit" else os.kill(os.getpid(), 9)
    print(json.dumps({"echo": task["id"], "threads": os.environ["OMP_NUM_THREADS"], "pid": os.getpid()}), flush=True)
"""


@pytest.fixture
def workers(tmp_path, monkeypatch):
    (tmp_path / "echoing.py").write_text(CODE)
    monkeypatch.syspath_prepend(str(tmp_path))
    workers = Workers(2, module="echoing")
    yield workers
    workers.close(at_once=True)


def test_tasks_are_done_by_as_many_processes_as_it_takes(workers):
    for name in ("a", "b"):
        workers.submit({"id": name})
    ended = [workers.wait(), workers.wait()]
    assert sorted(one.unit for one in ended) == ["a", "b"]
    assert all(one.result["echo"] == one.unit and one.result["threads"] == "1" for one in ended)
    assert len({one.result["pid"] for one in ended}) == 2
    workers.submit({"id": "c"})
    assert workers.wait().result["pid"] in {one.result["pid"] for one in ended}, "a process is used again"


@pytest.mark.parametrize(("way", "reason"), [("exit", "ended with 3"), ("kill", "killed; was there memory enough?")])
@pytest.mark.skipif(sys.platform == "win32", reason="has no signals")
def test_a_process_that_dies_costs_its_task_and_is_replaced(way, reason, workers):
    workers.submit({"id": "a", "die": way})
    assert workers.wait() == ("a", None, reason)
    workers.submit({"id": "b"})
    assert workers.wait().result["echo"] == "b"


# Its pipe breaks, which Python 3.13 tells when the pipe is thrown away.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_idle_process_that_dies_costs_nothing(workers):
    workers.submit({"id": "a"})
    workers.wait()
    (pid,) = workers.processes
    workers._idle[0].process.kill()
    workers._idle[0].process.wait()
    workers.submit({"id": "b"})
    first = workers.wait()
    if first.result is None:  # it was given to the dead before that was known: the driver tries again
        workers.submit({"id": "b"})
        first = workers.wait()
    assert first.result["echo"] == "b"
    assert first.result["pid"] != pid
