"""A few hundred frames through one estimator leave nothing behind; `benchmarks/memory.py` is the long run."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nimblepose.core.files import write_atomically
from nimblepose.media.encoding import encode_picture

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


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the kernel does not say what a process holds")
def test_memory_stays_flat_over_a_video_with_all_its_files(dots_model, tmp_path):
    pytest.importorskip("av")
    import av

    with av.open(str(tmp_path / "a.mp4"), "w") as out:
        stream = out.add_stream("libx264", rate=10)
        stream.height, stream.width, stream.pix_fmt = 48, 96, "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.full((48, 96, 3), 90, np.uint8), "rgb24")
        out.mux([*stream.encode(frame), *stream.encode(None)])
    script = SCRIPT.with_name("video_memory.py")
    size = ["--frames", "300", "--size", "256", "512"]
    command = [sys.executable, script, dots_model, tmp_path / "a.mp4", "--json", *size]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    row = json.loads(ran.stdout)
    assert (row["frames"], row["people"]) == (300, 300)
    assert row["growth"] < 20, "270 pictures kept would be 106 MB"
    assert row["growth_finished"] < 20
