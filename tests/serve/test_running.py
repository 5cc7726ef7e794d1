"""A server as a person starts it: how it begins, what it logs, how it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from nimblepose.cli.app import main


@pytest.fixture
def start_process(server_process):
    servers = []

    def start_one(*arguments, **options):
        servers.append(server_process(*arguments, **options))
        return servers[-1]

    yield start_one
    for server in servers:
        if server.process.poll() is None:
            server.process.kill()
            server.wait()


def test_sigterm_answers_what_is_under_way_and_the_exit_code_is_0(start_process, people):
    server, answers = start_process("--threads", "1", "--quality", "best", "--timeout", "60"), []
    server.wait_for("/readyz", 200)
    threads = [threading.Thread(target=lambda: answers.append(server.post(people, timeout=90))) for _ in range(3)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + 20
    while "nimblepose_queue 2\n" not in server.ask("GET", "/metrics").body.decode():
        assert time.monotonic() < end
    assert server.end(90) == 0
    for thread in threads:
        thread.join()
    assert [answer.status for answer in answers] == [200] * 3
    assert answers[0].json["pictures"][0]["people"]
    assert answers[0].json == answers[1].json == answers[2].json
    with pytest.raises(OSError, match="refused"):
        server.ask("GET", "/healthz")


@pytest.mark.parametrize("processes", ["1", "2"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_comes_at_once_ends_it_too(number, processes):
    command = [sys.executable, "-m", "nimblepose", "serve", "--port", "0", "--threads", "1", "--processes", processes]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert "serving at" in process.stderr.readline()
            process.send_signal(number)
            rest = process.stderr.read()
            assert process.wait(60) == 0, rest
            assert "Traceback" not in rest
        finally:
            process.kill()


def test_every_request_is_one_line_of_json_without_what_was_in_it(start_process, picture):
    server = start_process("--log", "json", environment={"NIMBLEPOSE_API_KEY": "secret-key-0123456789"})
    server.wait_for("/readyz", 200)
    server.post(picture, "/v1/poses?min_score=0.123", X_API_Key="secret-key-0123456789", X_Request_ID="seven")
    server.post(picture, X_API_Key="wrong-key-01234567890", X_Request_ID="eight")
    assert server.end() == 0
    lines = [json.loads(line) for line in server.lines if line.startswith("{")]
    seven = [line for line in lines if line.get("request") == "seven"]
    assert len(seven) == 1
    assert {"time", "level", "client", "ms", "out"} <= set(seven[0])
    facts = {key: seven[0][key] for key in ("method", "path", "status", "in", "people")}
    assert facts == {"method": "POST", "path": "/v1/poses", "status": 200, "in": len(picture), "people": 0}
    assert [line["status"] for line in lines if line.get("request") == "eight"] == [401]
    text = "".join(server.lines)
    assert "key-0123" not in text
    assert "0.123" not in text


def test_processes_share_an_address_and_count_together(start_process, picture):
    server = start_process("--processes", "2", "--threads", "1")
    end = time.monotonic() + 60
    while "nimblepose_ready 2\n" not in server.ask("GET", "/metrics").body.decode():
        assert time.monotonic() < end
        time.sleep(0.1)
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(server.post(picture).status)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 8
    metrics = server.ask("GET", "/metrics").body.decode()
    assert 'nimblepose_requests_total{route="/v1/poses",status="200"} 8\n' in metrics
    assert "nimblepose_workers 2\n" in metrics
    assert server.end(60) == 0


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds children by /proc, which Linux has")
def test_a_process_that_dies_is_replaced(start_process, picture):
    server = start_process("--processes", "2", "--threads", "1")
    server.wait_for("/readyz", 200)
    time.sleep(1.5)  # of life, or the death would be a failure to begin
    children = find_children(server.process.pid)
    os.kill(children[-1], signal.SIGKILL)
    end = time.monotonic() + 60
    while children[-1] in find_children(server.process.pid) or len(find_children(server.process.pid)) < len(children):
        assert time.monotonic() < end
        time.sleep(0.05)
    server.wait_for("/readyz", 200)
    assert server.post(picture, timeout=60).status in (200, 503), "503: the new one, while it loads"
    assert server.end(60) == 0
    assert any("another takes its place" in line for line in server.lines)


def find_children(pid):
    """Processes that multiprocessing has spawned (its resource tracker is another child)."""
    with open(f"/proc/{pid}/task/{pid}/children") as file:  # noqa: PTH123 - no file of ours
        children = [int(child) for child in file.read().split()]
    found = []
    for child in children:
        with open(f"/proc/{child}/cmdline", "rb") as file:  # noqa: PTH123
            if b"spawn_main" in file.read():
                found.append(child)
    return found


@pytest.mark.parametrize(
    ("arguments", "names"),
    [(["--model", "no-such-model"], "no-such-model"), (["--host", "0.0.0.0"], "--open"),
     (["--max-bytes", "ten"], "10MB"), (["--cors", "example.org"], "--cors"),
     (["--api-key-file", "missing"], "missing")],
)  # fmt: skip
def test_what_cannot_be_is_said_and_the_exit_code_is_2(arguments, names, capfd):
    with pytest.raises(SystemExit) as ended:
        main(["serve", *arguments])
    assert ended.value.code == 2
    assert names in capfd.readouterr().err


def test_a_port_that_is_taken(capfd):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(SystemExit) as ended:
            main(["serve", "--port", str(other.getsockname()[1])])
    assert ended.value.code == 2
    assert "--port" in capfd.readouterr().err


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_model_that_cannot_be_opened_ends_the_server(tmp_path, processes):
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"nothing")
    ran = subprocess.run(
        [sys.executable, "-m", "nimblepose", "serve", "--port", "0", "--model", broken, "--processes", processes],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ran.returncode == 2
    assert "broken.onnx is not a model" in ran.stderr


def test_what_is_missing_says_what_to_install(monkeypatch, capfd):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(SystemExit) as ended:
        main(["serve"])
    assert ended.value.code == 2
    assert "nimblepose[serve]" in capfd.readouterr().err
