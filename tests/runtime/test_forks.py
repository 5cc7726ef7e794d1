"""Forked after a model was opened and used: the child answers like its parent or says at once why not, and ends."""

import multiprocessing
import os
import subprocess
import sys

import pytest

from nimblepose.core.errors import PoseError
from nimblepose.runtime.forks import check_process
from nimblepose.runtime.models import DEMO_PICTURE

LIMIT = 170  # seconds for all of a script; a hang takes for ever
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing is forked here")

BEGIN = f'''
import gc, os, sys, time
from nimblepose import PoseError, PoseEstimator, read_picture
picture = read_picture({str(DEMO_PICTURE)!r})
estimator = PoseEstimator(sys.argv[1], backend=sys.argv[2], input_height=128, threads=2)

def use(estimator):
    fields = estimator.compute_fields([picture], estimator.place(picture))
    found = [len(poses) for poses in (estimator(picture), *estimator.stream([picture] * 3))]
    return round(float(fields.heatmaps.sum()), 1), found

def fork(work):
    """How a child that does it ends, and what it says; it ends as any process does, with all that is freed then."""
    reader, writer = os.pipe()
    if not (child := os.fork()):
        try:
            answer = str(work())
        except PoseError as error:
            answer = str(error)
        os.write(writer, answer.encode())
        os.close(writer)
        sys.exit(7)
    os.close(writer)
    with open(reader) as file:
        said = file.read()
    return str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])) + " " + said
'''


@pytest.fixture(params=["onnxruntime", "openvino"])
def script(request):
    """What a script prints that begins with an estimator, within a limit of time."""
    pytest.importorskip(request.param)

    def run(code):
        return run_script(code, "human", request.param)

    run.backend = request.param
    return run


def run_script(code, model, backend):
    arguments = [sys.executable, "-c", BEGIN + code, str(model), backend]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def check(line, expected, backend):
    """A child that has asked a model which its parent has opened."""
    if backend == "openvino":
        assert line.startswith("7 OpenVINO was started before this process was forked")
        assert "get_context('spawn')" in line
    else:
        assert line == f"7 {expected}"


@pytest.mark.parametrize(
    "before", ["pass", "estimator(picture)", "use(estimator)"], ids=["opened", "called", "streamed"]
)
def test_a_child_answers_or_refuses_and_ends(script, before):
    parent, child, idle, again = script(
        f"{before}\nchild, idle = fork(lambda: use(estimator)), fork(lambda: 'idle')\n"
        "print(use(estimator)); print(child); print(idle); print(use(estimator))"
    )
    check(child, parent, script.backend)
    assert idle == "7 idle"
    assert again == parent, "the parent goes on"


def test_a_child_may_open_the_model_itself_also_after_the_parent_has_let_it_go(script):
    parent, child = script(
        "print(use(estimator)); estimator = None; gc.collect()\n"
        "print(fork(lambda: use(PoseEstimator(sys.argv[1], backend=sys.argv[2], input_height=128, threads=2))))"
    )
    check(child, parent, script.backend)


def test_a_fork_while_other_threads_are_at_work(script):
    parent, *children = script(
        "import threading\n"
        "print(use(estimator)); stop = []\n"
        "def work():\n"
        "    while not stop: use(estimator)\n"
        "thread = threading.Thread(target=work); thread.start(); time.sleep(0.3)\n"
        "for _ in range(2): print(fork(lambda: use(estimator)))\n"
        "stop.append(1); thread.join()"
    )
    assert len(children) == 2
    for child in children:
        check(child, parent, script.backend)


def test_a_stream_does_not_go_on_in_a_child(script):
    begun, child, rest = script(
        "stream = estimator.stream([picture] * 6); print(len(next(stream)))\n"
        "print(fork(lambda: list(stream))); print([len(poses) for poses in stream])"
    )
    assert child.startswith("7 this stream was begun before this process was forked")
    assert rest == str([int(begun)] * 5)


def test_a_backend_of_a_parent_is_refused(script):
    (child,) = script("backend = estimator.backend; print(fork(lambda: estimator.estimate(picture, backend)))")
    assert child.startswith("7 this model was opened before this process was forked")


def test_torch_is_asked_by_a_thread_of_the_childs_own(tiny):
    parent, child = run_script(
        "estimator = PoseEstimator(sys.argv[1], input_height=64, threads=1)\n"
        "print(use(estimator)); print(fork(lambda: use(estimator)))",
        tiny.checkpoint, "torch",
    )  # fmt: skip
    assert child == f"7 {parent}"


def test_the_message_names_the_remedy():
    check_process(os.getpid(), "it was opened")
    with pytest.raises(PoseError, match=r"^it was opened before .*get_context\('spawn'\), or open the model after"):
        check_process(os.getppid(), "it was opened")


def test_the_pool_of_a_server_that_preloads_answers():
    """As gunicorn --preload does it, and multiprocessing on Linux before Python 3.14."""
    from nimblepose import PoseEstimator, read_picture

    estimator, picture = PoseEstimator(input_height=128), read_picture(DEMO_PICTURE)
    expected = len(next(iter(estimator.stream([picture]))))
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    workers = [context.Process(target=lambda: queue.put(len(estimator(picture)))) for _ in range(2)]
    for worker in workers:
        worker.start()
    assert [queue.get(timeout=LIMIT) for _ in workers] == [expected] * 2
    for worker in workers:
        worker.join(LIMIT)
    assert [worker.exitcode for worker in workers] == [0, 0]
