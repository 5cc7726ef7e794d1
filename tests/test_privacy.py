"""Nothing leaves the machine, and nothing is left in the home folder; also where nobody has set CI."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import network_guard
import pytest
import yaml
from video_files import make_video, numbered

from nimblepose.core.errors import DownloadError, MediaError
from nimblepose.core.web import download, fetch_picture
from nimblepose.media.sources import open_frames

ROOT = Path(__file__).resolve().parents[1]
SUPPORT, EXAMPLES = ROOT / "tests/support", ROOT / "examples"
QUIET = ("CI", "TF_BUILD", "GITHUB_ACTIONS", "JENKINS_URL", "ORT_DISABLE_TELEMETRY")  # switch reports off by themselves
PLACES = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "MPLCONFIGDIR", "TORCH_HOME")
GUARD = "import network_guard; network_guard.forbid_sockets()\n"
COMMANDS = """
import sys
from nimblepose.cli.app import main
for command in {commands!r}:
    try:
        main(command)
    except SystemExit as ended:
        if ended.code:
            sys.exit(f"{{command}} ended with {{ended.code}}")
"""

guarded = pytest.mark.skipif(not network_guard.SUPPORTED, reason="the guard needs Linux on x86-64 or ARM64")


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def run(code, home, **variables):
    """In a process as a user would start it, in a home folder of its own, without the internet."""
    plain = {name: value for name, value in os.environ.items() if name not in (*QUIET, *PLACES)}
    plain |= {"HOME": str(home), "USERPROFILE": str(home), "PYTHONPATH": os.pathsep.join([str(SUPPORT), *sys.path])}
    return subprocess.run(
        [sys.executable, "-c", GUARD + code], capture_output=True, text=True, env=plain | variables, cwd=home.parent
    )


def check_silent(code, home, **variables):
    ran = run(code, home, **variables)
    assert ran.returncode != -signal.SIGSYS, f"it opened a socket of the internet\n{ran.stderr}"
    assert ran.returncode == 0, ran.stderr
    assert sorted(str(path.relative_to(home)) for path in home.rglob("*")) == []


def check_commands(home, *commands):
    code = COMMANDS.format(commands=[[str(word) for word in command] for command in commands])
    check_silent(code, home, OMP_NUM_THREADS="1")  # networks this small are much slower on several threads


@guarded
@pytest.mark.parametrize(
    "code",
    [
        "import socket; socket.socket()",
        "import urllib.request; urllib.request.urlopen('http://localhost:9')",
        "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import socket; socket.socket()'], check=True)",
    ],
    ids=["socket", "look-up", "child"],
)
def test_the_guard_sees_what_it_is_to_see(code, home):
    ran = run(code, home)
    assert ran.returncode == -signal.SIGSYS or "SIGSYS" in ran.stderr


@guarded
def test_pictures_stay_here(home):
    pytest.importorskip("openvino")
    picture = EXAMPLES / "people.jpg"
    check_commands(
        home,
        ["doctor"],
        ["demo", "--out", "demo.jpg"],
        ["predict", picture, "--out", "a", "--format", "json,coco,openpose,csv,parquet"],
        ["predict", picture, "--out", "b", "--backend", "openvino", "--no-pictures"],
        ["model", "list"],
    )


@guarded
def test_videos_stay_here(home, tmp_path):
    for package in ("av", "scipy", "openvino"):
        pytest.importorskip(package)
    make_video(tmp_path / "clip.mp4", [numbered(n) for n in range(4)])
    check_commands(home, ["track", "clip.mp4", "--out", "out", "--video", "--backend", "openvino"])


@guarded
def test_training_and_converting_stay_here(home, tmp_path, monkeypatch):
    for package in ("torch", "lightning_fabric", "tensorboard", "onnx", "onnxscript", "faster_coco_eval"):
        pytest.importorskip(package)
    creatures = EXAMPLES / "creatures"
    monkeypatch.syspath_prepend(str(creatures))
    __import__("generate").generate(tmp_path, 8, size=(96, 96), seed=5)
    recipe = {
        "name": "tiny",
        "data": {
            "annotations": ["annotations.json"],
            "images": ["images"],
            "skeleton": str(creatures / "creature.yaml"),
            "size": [64, 64],
            "workers": 0,
        },
        "augment": {"centre": "picture", "fill": 1.0},
        "network": {"width": 0.1, "channels": 8, "initial_head_channels": 16},
        "batch_size": 4,
        "schedule": {"steps": 2},
        "accelerator": "cpu",
    }
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    check_commands(
        home,
        ["train", "recipe.yaml", "--out", "run"],
        ["export", "run/model.safetensors", "--out", "run/model.onnx"],
        ["model", "info", "run/model.onnx"],
    )
    assert list((tmp_path / "run").rglob("events.out.tfevents*"))


@guarded
@pytest.mark.parametrize("module", ["onnxruntime", "openvino", "pandas", "pyarrow.parquet", "supervision", "pooch"])
def test_whatever_is_imported_for_us_keeps_quiet(module, home):
    pytest.importorskip(module)
    check_silent(f"from nimblepose.core.optional import import_optional; import_optional({module!r}, 'a test')", home)


def test_who_wants_to_report_may(home):
    code = "import os; from nimblepose.core import optional; print(optional.keep_private(), dict(os.environ))"
    assert "'ORT_DISABLE_TELEMETRY': '0'" in run(code, home, ORT_DISABLE_TELEMETRY="0").stdout
    assert run(code, home).stdout.startswith("True")


# NIMBLEPOSE_OFFLINE ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["http", "https", "rtsp", "rtmp", "udp", "tcp", "srt", "ftp"])
def test_offline_no_stream_is_opened(scheme, monkeypatch):
    pytest.importorskip("av")
    monkeypatch.setenv("NIMBLEPOSE_OFFLINE", "1")
    with pytest.raises(MediaError, match=r"camera\.invalid.* is on the network, and NIMBLEPOSE_OFFLINE is set"):
        open_frames(f"{scheme}://user:secret@camera.invalid/live.mp4")


def test_offline_nothing_is_fetched(monkeypatch, web_server):
    web_server.pages["/a.jpg"] = b"x"
    monkeypatch.setenv("NIMBLEPOSE_OFFLINE", "1")
    with pytest.raises(MediaError, match="NIMBLEPOSE_OFFLINE"):
        fetch_picture(f"{web_server.address}/a.jpg")
    with pytest.raises(DownloadError, match="NIMBLEPOSE_OFFLINE"):
        list(download(f"{web_server.address}/a.jpg", max_bytes=10))
    monkeypatch.setenv("NIMBLEPOSE_OFFLINE", "0")
    assert fetch_picture(f"{web_server.address}/a.jpg") == b"x"


@guarded
def test_offline_the_commands_make_no_connection_and_name_the_variable(home, tmp_path):
    pytest.importorskip("av")
    for command in (
        ["predict", "http://192.0.2.1/a.jpg"],
        ["track", "rtsp://192.0.2.1/live"],
        ["model", "fetch", "human-pose-estimation-0001"],
    ):
        code = COMMANDS.format(commands=[command])
        ran = run(code, home, NIMBLEPOSE_OFFLINE="1", NIMBLEPOSE_CACHE=str(tmp_path / "cache"))
        assert ran.returncode > 0
        assert "NIMBLEPOSE_OFFLINE" in ran.stderr
        assert "Traceback" not in ran.stderr


def test_offline_files_are_read_also_by_their_address(video, monkeypatch):
    pytest.importorskip("av")
    monkeypatch.setenv("NIMBLEPOSE_OFFLINE", "1")
    assert len(list(open_frames(video))) == len(list(open_frames(video.as_uri()))) == 20


# What files of others ask for ---------------------------------------------------------------------------------------

SESSION = (
    "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n"
)
PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://192.0.2.1/a.ts\n#EXT-X-ENDLIST\n"


@guarded
@pytest.mark.parametrize("text", [SESSION, PLAYLIST], ids=["sdp", "m3u8"])
@pytest.mark.parametrize("how", ["a file", "bytes"])
def test_no_file_of_others_makes_us_connect(text, how, home):
    pytest.importorskip("av")
    name = "clip.m3u8" if text == PLAYLIST else "clip.sdp"
    (home.parent / name).write_text(text)
    source = repr(name) if how == "a file" else f"open({name!r}, 'rb')"
    ran = run(
        "from nimblepose.core.errors import MediaError\nfrom nimblepose.media.sources import open_frames\n"
        f"try: list(open_frames({source}))\nexcept MediaError as error: print('refused')",
        home,
    )
    assert (ran.returncode, ran.stdout.strip()) == (0, "refused"), ran.stderr
