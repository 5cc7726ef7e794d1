"""The page's own modules, run by node."""

import base64
import dataclasses
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import nimblepose
from nimblepose.web.model_facts import describe_model

PAGE = Path(nimblepose.__file__).parent / "web/page"


class Node:
    """Runs jobs of decoding.mjs, all of a test in one process."""

    def __init__(self, folder):
        self.folder, self.jobs = folder, []

    def add_model(self, metadata, name="model.json", **changes):
        metadata = dataclasses.replace(metadata, **changes)
        (self.folder / name).write_text(json.dumps(describe_model(metadata, name="test", file="model.onnx")))
        return name

    def add_array(self, name, array):
        (self.folder / name).write_bytes(np.ascontiguousarray(array).tobytes())
        return name

    def run(self, jobs):
        (self.folder / "jobs").write_text(json.dumps(jobs))
        script = Path(__file__).parent / "decoding.mjs"
        # Without its worker threads: on a busy machine node was seen to spin for minutes while they got no time at all.
        command = [shutil.which("node"), "--single-threaded", script, PAGE, self.folder]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert not ran.returncode, ran.stderr
        return [json.loads(line) for line in ran.stdout.splitlines()]

    @staticmethod
    def to_array(text, dtype, shape):
        return np.frombuffer(base64.b64decode(text), dtype).reshape(shape)


@pytest.fixture
def node(tmp_path):
    if shutil.which("node") is None:
        pytest.skip("node is not installed: the page's modules cannot be run")
    return Node(tmp_path)
