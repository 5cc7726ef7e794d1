"""One file costs no other: whatever goes wrong with it, and whenever it does, the results of the others are written."""

import json
import os
import signal
import subprocess
import sys

import pytest
from PIL import Image

from nimblepose.core.errors import MediaError
from nimblepose.core.files import write_atomically


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Three pictures."""
    for name in ("a.png", "b.png", "c.png"):
        Image.new("RGB", (64, 48), (200, 0, 0)).save(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(folder, name="poses.json"):
    return [picture["file"] for picture in json.loads((folder / name).read_text("utf-8"))["pictures"]]


LONG = "a" * 300


@pytest.mark.parametrize(
    "source",
    [
        "http://[::1", "http://me:secret@[::1/a.jpg?key=secret", "rtsp://[::1", "loop.png", "loop", "loop/*.png",
        LONG, f"{LONG}.mp4", "9" * 300, "~nobody-of-this-name/a.png",
    ],
    ids=lambda source: source[:20],
)  # fmt: skip
def test_a_source_that_cannot_be_is_listed_and_costs_no_other(cli, estimator, folder, source):
    for link in ("loop.png", "loop"):
        (folder / link).symlink_to(link)
    ran = cli("predict", "a.png", source, "b.png", "--out", "o")
    assert ran.code == 1
    assert "Traceback" not in ran.err
    assert "secret" not in ran.err + ran.out
    assert len(ran.err.splitlines()) == 1
    assert written(folder / "o") == ["a.png", "b.png"]


def test_names_that_are_not_utf_8(cli, estimator, folder):
    os.rename(b"b.png", b"caf\xe9.png")  # noqa: PTH104 - of bytes
    ran = cli("predict", ".", "--out", "o", "--format", "json,csv,coco,openpose")
    assert (ran.code, ran.err) == (0, "")
    assert written(folder / "o") == ["a.png", "c.png", "caf\ufffd.png"]
    assert (folder / "o" / os.fsdecode(b"caf\xe9.poses.png")).is_file()
    alone = cli("predict", os.fsdecode(b"caf\xe9.png"))
    assert alone.code == 0
    assert "caf\ufffd.png: 1 person" in alone.out


def test_a_drawing_that_cannot_be_written_costs_no_poses(cli, estimator, folder, monkeypatch):
    def write(path, data, **options):
        if path.name == "b.poses.png":
            raise MediaError(f"cannot write {path}: No space left on device")
        write_atomically(path, data, **options)

    for module in ("picture_sink", "result_folder"):
        monkeypatch.setattr(f"nimblepose.results.{module}.write_atomically", write)
    ran = cli("predict", ".", "--out", "o")
    assert ran.code == 1
    assert ran.err.count("No space left on device") == 1
    assert written(folder / "o") == ["a.png", "b.png", "c.png"]


def test_a_drawing_that_cannot_be_made_costs_no_poses(cli, estimator, folder):
    Image.new("RGB", (16_384, 2)).save(folder / "wide.png")  # WebP ends at 16,383
    (folder / "wide.png").rename(folder / "wide.webp")
    ran = cli("predict", ".", "--out", "o")
    assert ran.code == 1
    assert "16384 x 2 as .webp" in ran.err
    assert written(folder / "o") == ["a.png", "b.png", "c.png", "wide.webp"]


def test_files_about_the_run_do_not_cost_each_other_nor_what_comes_after(cli, estimator, folder):
    (folder / "o/poses.json").mkdir(parents=True)  # a folder in its place
    ran = cli("predict", ".", "--out", "o", "--format", "json,csv", "missing.mp4")
    assert ran.code == 1
    assert "o/poses.json" in ran.err
    assert "missing.mp4" in ran.err, "the video was tried"
    assert "Traceback" not in ran.err
    assert (folder / "o/poses.csv").is_file()
    assert "-> o/poses.csv" in ran.out
    assert "-> o/poses.json" not in ran.out


def test_a_bug_in_one_format_does_not_cost_the_others(cli, estimator, folder, monkeypatch):
    def stumble(*_):
        raise UnicodeError("surrogates")

    monkeypatch.setattr(
        "nimblepose.results.result_folder.write_atomically",
        lambda path, data: stumble() if path.suffix == ".json" else write_atomically(path, data),
    )
    ran = cli("predict", ".", "--out", "o", "--format", "json,csv")
    assert ran.code == 1
    assert "unexpected UnicodeError" in ran.err
    assert (folder / "o/poses.csv").is_file()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_who_is_asked_to_end_writes_about_what_is_done(cli, estimator, folder, number):
    estimator.hook = staticmethod(lambda n: os.kill(os.getpid(), number) if n == 2 else None)
    before = signal.getsignal(number)
    ran = cli("predict", ".", "--out", "o")
    assert ran.code == 130
    assert "stopping" in ran.err
    assert written(folder / "o") == ["a.png", "b.png"], "the one under way is done, too"
    assert signal.getsignal(number) == before


def test_who_is_asked_to_end_while_the_last_files_are_written_writes_them(cli, estimator, folder, monkeypatch):
    def write(path, data, **options):
        if path.name == "poses.json":
            os.kill(os.getpid(), signal.SIGTERM)
        write_atomically(path, data, **options)

    for module in ("picture_sink", "result_folder"):
        monkeypatch.setattr(f"nimblepose.results.{module}.write_atomically", write)
    assert cli("predict", ".", "--out", "o").code == 130
    assert written(folder / "o") == ["a.png", "b.png", "c.png"]


def test_a_file_that_may_grow_no_more_costs_no_other(folder, dots_model):
    """With the real estimator, its threads, and the system's own error."""
    Image.effect_noise((640, 480), 50).convert("RGB").save(folder / "b.png")
    code = (
        "import resource, sys; from nimblepose.cli.app import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)); main(sys.argv[1:])"
    )
    arguments = ["predict", ".", "--out", "o", "--model", str(dots_model), "--input-height", "64"]
    ran = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert ran.returncode == 1, ran.stderr
    assert "cannot write o/b.poses.png: File too large" in ran.stderr
    assert written(folder / "o") == ["a.png", "b.png", "c.png"]
    assert sorted(p.name for p in (folder / "o").iterdir()) == ["a.poses.png", "c.poses.png", "poses.json"]
