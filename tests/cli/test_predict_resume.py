"""Runs over pictures are durable: what was found stays found, and nobody's results are replaced by another's."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from PIL import Image

from nimblepose.core.files import open_held

FORMATS = "json,coco,csv,openpose"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Six pictures in two folders, two of one name."""
    for number, name in enumerate(("a.png", "b.png", "c.png", "sub/b.png", "sub/d.png", "sub/e.png")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (64 + number, 48), (200, 0, 0)).save(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def snapshot(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def written(path):
    return [picture["file"] for picture in json.loads(path.read_text("utf-8"))["pictures"]]


def interrupt_at(estimator, number):
    """Stop at once, as by a second Ctrl-C, when a picture is looked at."""

    def hook(calls):
        if calls == number:
            raise KeyboardInterrupt

    estimator.calls, estimator.hook = 0, staticmethod(hook)


def run_whole(cli, *arguments):
    assert cli("predict", ".", "sub", *arguments).code == 0


@pytest.mark.parametrize("where", [["--out", "o"], []], ids=["out", "beside"])
@pytest.mark.parametrize("number", [1, 2, 4, 6])
def test_a_resumed_run_ends_with_the_files_of_an_unbroken_one_and_looks_at_no_picture_twice(
    cli, estimator, folder, number, where
):
    before = snapshot(folder)
    run_whole(cli, *where, "--format", FORMATS)
    expected = snapshot(folder)
    for name in set(expected) - set(before):
        (folder / name).unlink()
    interrupt_at(estimator, number)
    assert cli("predict", ".", "sub", *where, "--format", FORMATS).code == 130
    interrupt_at(estimator, 99)
    ran = cli("predict", ".", "sub", *where, "--format", FORMATS, "--resume")
    assert (ran.code, ran.err) == (0, "")
    assert "6 pictures, 6 people" in ran.out
    assert snapshot(folder) == expected
    # a folder that was complete is done again, as there is nothing left to go on from
    assert estimator.calls == 6 - (number - 1 if where or number < 4 else number - 4)


def test_what_is_noted_is_read_like_other_results(cli, estimator, folder):
    interrupt_at(estimator, 3)
    cli("predict", ".", "sub", "--out", "o")
    rows = [json.loads(line) for line in (folder / "o/poses.partial.jsonl").read_text("utf-8").splitlines()]
    assert [row["file"] for row in rows] == ["a.png", "b.png"]
    assert rows[0]["header"]["model"] == "fake-model"
    document = json.loads((folder / "o/poses.json").read_text("utf-8"))
    for row, picture in zip(rows, document["pictures"], strict=True):
        assert picture.items() <= row.items()


def test_half_a_line_is_done_again(cli, estimator, folder):
    interrupt_at(estimator, 4)
    cli("predict", ".", "sub", "--out", "o")
    notes = folder / "o/poses.partial.jsonl"
    notes.write_bytes(notes.read_bytes()[:-10])
    interrupt_at(estimator, 99)
    assert cli("predict", ".", "sub", "--out", "o", "--resume").code == 0
    assert estimator.calls == 4
    assert written(folder / "o/poses.json") == ["a.png", "b.png", "c.png", "sub/b.png", "sub/d.png", "sub/e.png"]
    assert not notes.exists()


def test_what_failed_is_tried_again_and_takes_no_name_from_others(cli, estimator, folder):
    whole = (folder / "b.png").read_bytes()
    (folder / "b.png").write_bytes(whole[:30])
    interrupt_at(estimator, 4)  # the fourth that can be read is sub/d.png
    cli("predict", ".", "sub", "--out", "o")
    (folder / "b.png").write_bytes(whole)
    interrupt_at(estimator, 99)
    assert cli("predict", ".", "sub", "--out", "o", "--resume").code == 0
    assert written(folder / "o/poses.json") == ["a.png", "b.png", "c.png", "sub/b.png", "sub/d.png", "sub/e.png"]
    sizes = {name: Image.open(folder / "o" / name).width for name in ("b.poses.png", "sub/b.poses.png")}
    assert sizes == {"b.poses.png": 65, "sub/b.poses.png": 67}


def test_a_drawing_that_was_not_written_is_made_by_the_resumed_run(cli, estimator, folder, monkeypatch):
    from nimblepose.core.errors import MediaError
    from nimblepose.core.files import write_atomically

    def write(path, data):
        if path.name == "b.poses.png":
            raise MediaError("disk full")
        write_atomically(path, data)

    interrupt_at(estimator, 4)
    with monkeypatch.context() as full:
        full.setattr("nimblepose.results.picture_sink.write_atomically", write)
        cli("predict", ".", "sub", "--out", "o")
    interrupt_at(estimator, 99)
    assert cli("predict", ".", "sub", "--out", "o", "--resume").code == 0
    assert (folder / "o/b.poses.png").is_file()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--min-score", "0.5"], "min_score"),
        (["--input-height", "128"], "input_height"),
        (["--flip"], "flip"),
        (["--range", "full"], "range"),
        (["--blur-faces"], "blur_faces, pictures"),
        (["--no-pictures"], "pictures"),
        (["--format", "json,openpose"], "formats"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_other_options_do_not_go_on_from_it(cli, estimator, folder, arguments, named):
    interrupt_at(estimator, 3)
    cli("predict", ".", "sub", "--out", "o")
    before = snapshot(folder)
    ran = cli("predict", ".", "sub", "--out", "o", "--resume", *arguments)
    assert ran.code == 2
    assert f"another {named}" in ran.err
    assert snapshot(folder) == before


def test_other_pictures_do_not_go_on_from_it(cli, estimator, folder):
    interrupt_at(estimator, 5)
    cli("predict", ".", "sub", "--out", "o")
    (folder / "o/poses.json").unlink()
    ran = cli("predict", ".", "--out", "o", "--resume")
    assert ran.code == 2
    assert "sub/b.png" in ran.err


@pytest.mark.parametrize("content", [b"{}\n", b"[]\n", b'{"header": {}, "exact": 3}\n'], ids=["empty", "list", "odd"])
def test_damaged_notes_are_refused_by_name(cli, estimator, folder, content):
    (folder / "o").mkdir()
    (folder / "o/poses.partial.jsonl").write_bytes(content)
    ran = cli("predict", ".", "--out", "o", "--resume")
    assert ran.code == 2
    assert "poses.partial.jsonl is damaged" in ran.err


def test_without_an_earlier_run_resume_begins_anew(cli, estimator, folder):
    assert cli("predict", ".", "--out", "o", "--resume").code == 0
    assert written(folder / "o/poses.json") == ["a.png", "b.png", "c.png"]


def test_killed_at_any_moment_nothing_is_lost_and_nothing_doubled(dots_model, tmp_path):
    pictures, out, expected = tmp_path / "pictures", tmp_path / "out", tmp_path / "expected"
    pictures.mkdir()
    for number in range(60):
        Image.new("RGB", (64, 32), (number, 0, 0)).save(pictures / f"{number:03}.jpg")
    verb = [sys.executable, "-m", "nimblepose", "predict", str(pictures), "--format", "json,csv"]
    verb += ["--model", str(dots_model), "--input-height", "64", "--quiet", "--out"]
    subprocess.run([*verb, str(expected)], check=True)
    killed = 0
    for after in (3, 20, 40):  # pictures
        process = subprocess.Popen([*verb, str(out), "--resume"])
        notes = out / "poses.partial.jsonl"
        while process.poll() is None and not (notes.exists() and notes.read_bytes().count(b"\n") >= after):
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
    assert killed
    subprocess.run([*verb, str(out), "--resume"], check=True)
    for leftover in out.glob(".*.part"):  # of the drawing that was being written when it was killed
        leftover.unlink()
    assert snapshot(out) == snapshot(expected)


def test_pictures_of_more_folders_than_files_may_be_open(cli, estimator, tmp_path, monkeypatch):
    """More folders than a process may have open files; none is complete before the last round."""
    resource = pytest.importorskip("resource")
    monkeypatch.chdir(tmp_path)
    for number in range(200):
        (tmp_path / f"{number:03}").mkdir()
        for name in ("a.png", "b.png"):
            Image.new("RGB", (8, 6)).save(tmp_path / f"{number:03}" / name)
    sources = [f"{number:03}/{name}" for name in ("a.png", "b.png") for number in range(200)]
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (150, before[1]))
    try:
        ran = cli("predict", *sources, "--no-pictures")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert (ran.code, ran.err) == (0, "")
    assert all(written(tmp_path / f"{n:03}/poses.json") == [f"{n:03}/a.png", f"{n:03}/b.png"] for n in range(200))
    assert not list(tmp_path.rglob("*.jsonl"))


# Two runs, one folder ------------------------------------------------------------------------------------------------


def test_a_second_run_beside_the_first_is_refused(cli, estimator, folder):
    (folder / "o").mkdir()
    with open_held(folder / "o/poses.partial.jsonl"):
        ran = cli("predict", ".", "--out", "o")
        assert ran.code == 2
        assert "another run is writing it" in ran.err
        assert os.listdir(folder / "o") == ["poses.partial.jsonl"]  # noqa: PTH208
        assert cli("predict", "a.png", "--out", "o").code == 2
    assert cli("predict", ".", "--out", "o").code == 0


@pytest.mark.parametrize("form", ["json", "csv", "coco", "parquet"])
def test_results_of_other_pictures_are_not_replaced(cli, estimator, folder, form):
    if form == "parquet":
        pytest.importorskip("pyarrow")
    assert cli("predict", "b.png", "--out", "o", "--format", form).code == 0
    before = snapshot(folder)
    for sources in (["sub/b.png"], ["c.png", "a.png"]):
        ran = cli("predict", *sources, "--out", "o", "--format", form)
        assert ran.code == 2
        assert "holds the results of other pictures (b.png), which would be lost" in ran.err
        assert snapshot(folder) == before
    again = cli("predict", "a.png", "./b.png", "--out", "o", "--format", form)
    assert again.code == 0, "with them among the pictures, nothing is lost"


def test_a_picture_of_the_same_name_and_another_suffix_is_another(cli, estimator, folder):
    shutil.copy(folder / "a.png", folder / "a.bmp")
    Image.open(folder / "a.png").save(folder / "a.bmp")
    assert cli("predict", "a.png").code == 0
    ran = cli("predict", "a.bmp")
    assert ran.code == 2
    assert "a.poses.json holds the results of other pictures (a.png)" in ran.err


@pytest.mark.parametrize("content", [b"{}", b"mine", b'{"pictures": 3}', b"\xff\xfe"], ids=str)
def test_a_file_that_is_none_of_ours_is_not_replaced(cli, estimator, folder, content):
    (folder / "o").mkdir()
    (folder / "o/poses.json").write_bytes(content)
    ran = cli("predict", ".", "--out", "o")
    assert ran.code == 2
    assert "o/poses.json is there, and is none of our results" in ran.err
    assert (folder / "o/poses.json").read_bytes() == content
