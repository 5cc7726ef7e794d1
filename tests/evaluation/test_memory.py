"""A few hundred frames through one estimator leave nothing behind; `benchmarks/memory.py` is the long run."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nimblepose.media.files import write_atomically
from nimblepose.media.writers import encode_picture

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "memory.py"


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the kernel does not say what a process holds")
def test_memory_stays_flat(dots_model, tmp_path):
    write_atomically(tmp_path / "a.png", encode_picture(np.full((256, 512, 3), 7, np.uint8), ".png"))
    command = [sys.executable, SCRIPT, dots_model, tmp_path, "--frames", "400", "--input-height", "64", "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [(row["way"], row["people"]) for row in rows] == [("one by one", 400), ("streamed", 400)]
    for row in rows:  # one input of the network kept per frame would be 39 MB
        assert row["growth"] < 10
