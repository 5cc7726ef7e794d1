"""A batch on Ray, on one node and on two, one of which is killed; in a network and among processes of its own."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from blob_scenes import draw_scene
from tests.batch.conftest import read_folder
from video_files import make_video

pytest.importorskip("ray", reason="ray is not installed")
SUPPORT = Path(__file__).resolve().parents[1] / "support"
ALONE = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]  # all that is started ends with it


def is_alone_possible():
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*ALONE, "true"], capture_output=True).returncode == 0


pytestmark = pytest.mark.skipif(not is_alone_possible(), reason="needs unshare, and the right to use it")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    pictures = [draw_scene(n, people=n % 3).repeat(2, 0).repeat(2, 1) for n in range(80)]
    options = {"x264-params": "bframes=2:keyint=8:scenecut=0"}
    return make_video(tmp_path_factory.mktemp("clip") / "clip.mp4", pictures, options=options)


@pytest.fixture
def batch(clip, tmp_path, cli):
    cli("batch", "plan", clip, "--out", tmp_path / "batch", "--seconds", 1)
    return tmp_path / "batch"


def run_alone(tmp_path, *command):
    (tmp_path / "home").mkdir()
    env = {**os.environ, "HOME": str(tmp_path / "home"), "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    with tempfile.TemporaryDirectory(prefix="ray") as short:  # the names of sockets must be
        env["RAY_TMPDIR"] = short
        ran = subprocess.run([*ALONE, sys.executable, *map(str, command)], capture_output=True, text=True, env=env)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


@pytest.mark.parametrize("kill", [None, 0.3])
def test_two_nodes_make_the_files_of_the_whole(kill, clip, batch, tmp_path, cli, inline):
    options = [] if kill is None else ["--kill", kill]
    said = run_alone(tmp_path, SUPPORT / "ray_cluster.py", batch, *options)
    assert "80 frames" in said
    assert ("killed" in said) == (kill is not None)
    cli("batch", "finish", batch)
    cli("track", clip, "--no-video", "--out", tmp_path / "whole")
    assert read_folder(batch / "results") == read_folder(tmp_path / "whole")


def test_one_node_that_is_started_and_ended_by_the_run(clip, batch, tmp_path, cli, inline):
    code = (
        "from ray_cluster import raise_loopback; raise_loopback()\n"
        "import sys; from nimblepose.cli.app import main; main(sys.argv[1:])"
    )
    run_alone(tmp_path, "-c", code, "batch", "run", batch, "--engine", "ray", "--workers", 1)
    cli("batch", "finish", batch)
    cli("track", clip, "--no-video", "--out", tmp_path / "whole")
    assert read_folder(batch / "results") == read_folder(tmp_path / "whole")
