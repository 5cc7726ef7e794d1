"""A real server on the loopback: in a thread with an estimator that waits for us, or as a process with the model."""

import asyncio
import contextlib
import http.client
import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

for package in ("starlette", "uvicorn", "httptools", "websockets", "python_multipart"):
    pytest.importorskip(package)

from nimblepose.core.metadata import ModelMetadata
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import HUMAN_18
from nimblepose.media.encoding import encode_picture
from nimblepose.serve.options import ServeOptions
from nimblepose.serve.running import bind, make_server
from nimblepose.serve.service import Service


def one_person(picture):
    """A person as large as the picture."""
    height, width = picture.shape[:2]
    place = np.linspace(0.1, 0.9, 18, dtype=np.float32)
    keypoints = np.stack([place * width, place[::-1] * height], -1)[None]
    return Poses(HUMAN_18, keypoints, np.full((1, 18), 0.5, np.float32), np.full(1, 0.8, np.float32))


class WaitingEstimator:
    """Finds one person, once it may; `seen` are the pictures it was given."""

    def __init__(self, model=None, *, threads=1, **options):
        self.skeleton, self.threads, self.options = HUMAN_18, threads or 1, options
        self.metadata = ModelMetadata(skeleton=HUMAN_18, licence="MIT", origin="a test")
        self.may_go, self.seen, self.asked, self.error = threading.Event(), [], [], None
        self.may_go.set()

    def for_threads(self, **asked):
        self.asked.append(asked)
        return self

    def for_frames(self):
        return self

    def estimate(self, picture, *, pixel_aspect=1.0):
        self.seen.append(picture)
        assert self.may_go.wait(20)
        if self.error:
            raise self.error
        return one_person(picture)


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    @property
    def json(self):
        return json.loads(self.body)


class Client:
    """Asks a server."""

    def __init__(self, port):
        self.port, self.address = port, f"http://127.0.0.1:{port}"

    def ask(self, method, path, body=None, *, timeout=20, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        with contextlib.closing(connection):
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            return Answer(connection.getresponse())

    def post(self, picture, path="/v1/poses", **headers):
        return self.ask("POST", path, picture, **headers)

    def wait_for(self, path, status):
        end = time.monotonic() + 20
        while (answer := self.ask("GET", path)).status != status:
            assert time.monotonic() < end, f"{path} says {answer.status}"
            time.sleep(0.01)
        return answer


class RunningServer(Client):
    """In a thread of this process."""

    def __init__(self, options):
        self.bound = bind(options.host, 0)
        super().__init__(self.bound.getsockname()[1])
        self.service, self.failures = Service(options), []
        self.server = make_server(self.service, self.failures.append)
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        loop = asyncio.new_event_loop()
        self.loop = loop
        with contextlib.closing(loop):
            loop.run_until_complete(self.server.serve([self.bound]))

    @property
    def estimator(self):
        return self.service.estimator

    def when(self, condition):
        end = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < end
            time.sleep(0.005)

    def close(self):
        if self.service._estimator is not None:
            self.estimator.may_go.set()
        self.server.should_exit = True
        self.thread.join(30)
        assert not self.thread.is_alive()


@pytest.fixture
def start(monkeypatch):
    """Start a server with an estimator that waits; options are those of `ServeOptions`."""
    monkeypatch.setattr("nimblepose.serve.service.PoseEstimator", WaitingEstimator)
    servers = []

    def start_one(*, wait=True, **options):
        server = RunningServer(ServeOptions(**{"threads": 1, **options}))
        servers.append(server)
        if wait:
            server.wait_for("/readyz", 200)
        return server

    yield start_one
    for server in servers:
        server.close()


@pytest.fixture(scope="session")
def picture():
    """Bytes of a small PNG."""
    return encode_picture(np.full((48, 64, 3), 90, np.uint8), ".png")


@pytest.fixture(scope="session")
def people():
    """Bytes of a JPEG of three people."""
    return (Path(__file__).resolve().parents[2] / "examples/people.jpg").read_bytes()


class ServerProcess(Client):
    """`nimblepose serve` as a person starts it."""

    def __init__(self, *arguments, environment=()):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "nimblepose", "serve", "--port", "0", *arguments],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "NIMBLEPOSE_OFFLINE": "1", "OMP_NUM_THREADS": "1", **dict(environment)},
        )
        self.lines = []
        for line in self.process.stderr:
            self.lines.append(line)
            if found := re.search(r"serving at http://127\.0\.0\.1:(\d+)", line):
                super().__init__(int(found[1]))
                break
        else:
            pytest.fail("".join(self.lines))
        self.reader = threading.Thread(target=lambda: self.lines.extend(self.process.stderr))
        self.reader.start()

    def end(self, timeout=30):
        """SIGTERM; returns the exit code."""
        self.process.terminate()
        return self.wait(timeout)

    def wait(self, timeout=30):
        code = self.process.wait(timeout)
        self.reader.join(10)
        return code


@pytest.fixture(scope="session")
def model_server():
    """With the model in the package."""
    server = ServerProcess("--threads", "2")
    server.wait_for("/readyz", 200)
    yield server
    assert server.end() == 0


@pytest.fixture
def server_process():
    """Starts `nimblepose serve` with further arguments."""
    return ServerProcess
