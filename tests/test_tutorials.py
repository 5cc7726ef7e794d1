"""What tutorials and first pages tell people to type exists, and their Python runs."""

import re
import shutil
import subprocess
import sys
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import typer.main
from video_files import make_video

from nimblepose.cli.app import app, main
from nimblepose.runtime import following

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    ROOT / "README.md",
    *(ROOT / "docs" / name for name in ("index.md", "first-minute.md", "gallery.md", "skeletons.md", "commands.md")),
    *sorted((ROOT / "docs/tutorials").glob("*.md")),
]


def blocks(name, language):
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "docs" / name).read_text("utf-8"), re.DOTALL)


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A folder with the example picture, as after a clone."""
    (tmp_path / "examples").mkdir()
    shutil.copyfile(ROOT / "examples/people.jpg", tmp_path / "examples/people.jpg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NIMBLEPOSE_MODEL", raising=False)
    monkeypatch.setenv("NIMBLEPOSE_OFFLINE", "1")
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_its_commands_have_options_that_exist(page):
    text = page.read_text("utf-8")
    tried = 0
    for line in re.findall(r"(?:^|`|&& |\) )nimblepose ([a-z][^`\n#]*)", text, re.MULTILINE):
        command, words = typer.main.get_command(app), line.split()
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        named = {word for word in words if word.startswith("--")}
        assert named <= known | {"--install-completion"}, line
        tried += 1
    assert tried > 0


def test_the_first_minute_finds_people(clone, capsys):
    (code,) = blocks("first-minute.md", "python")
    exec(code, {})  # noqa: S102 - our own page
    assert capsys.readouterr().out.startswith("3 people\nKeypoint(x=")
    assert (clone / "drawn.png").is_file()


def test_pictures_become_a_table(clone, capsys):
    pytest.importorskip("pandas")
    with pytest.raises(SystemExit) as ended:
        main(["predict", "examples/people.jpg", "--out", "out", "--format", "csv", "--no-pictures", "--resume", "-q"])
    assert not ended.value.code
    table, stream = blocks("tutorials/pictures.md", "python")
    exec(table, {})  # noqa: S102
    assert capsys.readouterr().out == "[]\n"  # nobody holds a hand above the head
    exec(stream, {})  # noqa: S102
    assert capsys.readouterr().out == ""


def test_a_recording_becomes_speeds(clone):
    for package in ("av", "pandas", "pyarrow", "scipy"):
        pytest.importorskip(package)
    picture = cv2.imread(str(clone / "examples/people.jpg"))[..., ::-1]
    make_video(clone / "match.mp4", [np.roll(picture, 10 * n, axis=1) for n in range(5)], rate=10)
    with pytest.raises(SystemExit) as ended:
        main(["track", "match.mp4", "--out", "out", "--format", "parquet", "--no-video", "-q"])
    assert not ended.value.code
    ran = subprocess.run(
        [sys.executable, "-c", blocks("tutorials/video.md", "python")[0]], capture_output=True, text=True
    )
    speeds = dict(re.findall(r"^(\d) (\d+) pixels per second$", ran.stdout, re.MULTILINE))
    assert list(speeds) == ["1", "2", "3"], ran.stderr
    assert all(50 < float(speed) < 150 for speed in speeds.values())  # all go at 100


def test_the_loop_of_ones_own_gives_identities(clone, monkeypatch, capsys):
    pytest.importorskip("scipy")
    picture = cv2.imread(str(clone / "examples/people.jpg"))
    read = [(True, picture)] * 4 + [(False, None)]
    monkeypatch.setattr(cv2, "VideoCapture", lambda number: SimpleNamespace(read=lambda: read.pop(0)))
    ticks = count()  # 25 pictures a second, however slow this machine is
    monkeypatch.setattr(following, "clock", SimpleNamespace(monotonic=lambda: next(ticks) / 25))
    _, loop = blocks("tutorials/video.md", "python")
    exec(loop, {})  # noqa: S102
    lines = [re.match(r"(\d) Keypoint\(x=[\d.]+, y=", line) for line in capsys.readouterr().out.splitlines()]
    assert {line[1] for line in lines} == {"1", "2", "3"}


def test_the_skeleton_of_the_page_is_one_and_all_keys_are_told(tmp_path):
    import yaml

    from nimblepose.core import skeleton

    (text,) = blocks("skeletons.md", "yaml")
    value = skeleton.Skeleton.from_dict(yaml.safe_load(text))
    assert value == skeleton.Skeleton.load(ROOT / "examples/creatures/creature.yaml")
    page = (ROOT / "docs/skeletons.md").read_text("utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == skeleton._KEYS
