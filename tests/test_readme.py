"""The README keeps its word: its Python is run, its commands are run, its folders are there."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from nimblepose.cli.app import app, main

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
DESIGN = (ROOT / "docs/design.md").read_text("utf-8").split("## Rooms")[1]
COMMANDS = (ROOT / "docs/commands.md").read_text("utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A folder with the examples, as after a clone; no network, no model but the one in the package."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("creatures"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NIMBLEPOSE_MODEL", raising=False)
    monkeypatch.setenv("NIMBLEPOSE_OFFLINE", "1")
    return tmp_path


def test_the_python_block_finds_people_without_torch(clone):
    code = blocks("python")[0]
    code += "\nimport sys; print('torch' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert re.search(r"^([1-9]) people; \(\1, 18, 2\)$", ran.stdout, re.MULTILINE)
    assert ran.stdout.splitlines()[-1] == "False"
    with Image.open(clone / "drawn.png") as drawn, Image.open(clone / "examples/people.jpg") as picture:
        assert drawn.size == picture.size


def test_the_command_makes_what_it_says(clone):
    (command,) = (line for block in blocks("bash") for line in block.splitlines() if "nimblepose predict" in line)
    with pytest.raises(SystemExit) as ended:
        main(command.split("&& nimblepose ")[1].split())
    assert not ended.value.code
    assert sorted(p.name for p in (clone / "out").iterdir()) == ["people.poses.jpg", "poses.json"]
    with Image.open(clone / "out/people.poses.jpg") as made, Image.open(ROOT / "examples/people.poses.jpg") as shown:
        assert made.size == shown.size
    (picture,) = json.loads((clone / "out/poses.json").read_text())["pictures"]
    assert len(picture["people"]) == 3


def test_every_command_and_folder_it_names_exists():
    verbs = set(re.findall(r"`nimblepose ([a-z]+)", README + COMMANDS))
    known = {command.name or command.callback.__name__ for command in app.registered_commands}
    assert verbs <= known | {group.name for group in app.registered_groups}
    assert {command.name for command in app.registered_commands} - {"import", "export"} <= verbs | {None}
    for cell in re.findall(r"^\| (`.*?) \|", DESIGN, re.MULTILINE):
        for folder in re.findall(r"`([\w/]+)`", cell):
            assert (ROOT / folder).is_dir() or (ROOT / "src/nimblepose" / folder).is_dir(), folder


PAGES = [p for p in ROOT.rglob("*.md") if not {".git", ".venv", "node_modules"} & set(p.relative_to(ROOT).parts)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_to_files(page):
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_modules_and_files_that_pages_name_are_there(page):
    text = page.read_text("utf-8")
    for dotted in re.findall(r"\bnimblepose((?:\.[a-z][a-z_]*)+)\b(?!\()", text):
        place = ROOT.joinpath("src/nimblepose", *dotted[1:].split("."))
        parent = place.parent.with_suffix(".py")  # the last part may be a function in a module
        assert place.is_dir() or place.with_suffix(".py").is_file() or parent.is_file(), dotted
    rooms = {folder.name for folder in (ROOT / "src/nimblepose").iterdir() if folder.is_dir()}
    for file in re.findall(r"`(?:src/nimblepose/)?((?:[a-z_]+/)+[a-z_]+\.py)`", text):
        if file.split("/")[0] in rooms:
            assert (ROOT / "src/nimblepose" / file).is_file(), file


def test_every_room_has_a_row():
    for room in (folder for folder in (ROOT / "src/nimblepose").iterdir() if folder.is_dir()):
        assert room.name == "__pycache__" or f"`src/nimblepose/{room.name}`" in DESIGN, room.name


def test_it_has_two_commands_of_set_up():
    commands = [line for block in blocks("bash") for line in block.splitlines() if line.strip()]
    assert len(commands) == 2
    assert commands[1].endswith("&& pytest"), ".ci/run looks for this line"


def test_it_fits_a_screen_or_two():
    assert len(README.splitlines()) < 80
    assert "](docs/index.md)" in README
