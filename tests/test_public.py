"""What `nimblepose` exports is all there, documented in docs/python.md, and its examples run."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from video_files import make_video, numbered

import nimblepose
from nimblepose.core import errors

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs/python.md").read_text("utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
TEXT = re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)
NAMES = sorted(set(nimblepose.__all__) - {"__version__"})
ERRORS = {name for name, value in vars(errors).items() if isinstance(value, type)}


@pytest.mark.parametrize("name", nimblepose.__all__)
def test_every_name_can_be_imported(name):
    assert getattr(nimblepose, name) is not None


def test_all_and_dir_are_complete():
    exported = {name for name in vars(nimblepose) if not name.startswith("_")}
    classes = {name for name in exported if isinstance(getattr(nimblepose, name), type)}
    assert classes | set(nimblepose._LAZY) | ERRORS <= set(NAMES)
    assert len(nimblepose.__all__) == len(set(nimblepose.__all__))
    assert dir(nimblepose) == sorted(nimblepose.__all__)


def test_a_star_brings_them_all():
    code = "from nimblepose import *; import nimblepose; print(set(nimblepose.__all__) - set(globals()))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Nobody'"):
        nimblepose.Nobody  # noqa: B018


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_documented_and_has_a_docstring(name):
    assert f"`{name}`" in TEXT
    value = getattr(nimblepose, name)
    assert (value if isinstance(value, type) or callable(value) else type(value)).__doc__


@pytest.mark.parametrize("name", sorted(set(NAMES) - (ERRORS - {"PoseError", "MediaError"})))
def test_every_name_has_an_example(name):
    imported = {name.strip() for code in EXAMPLES for line in re.findall(r"from nimblepose import (.*)", code)
                for name in line.split(",")}  # fmt: skip
    assert name in imported
    assert any(len(re.findall(rf"\b{name}\b", code)) > 1 for code in EXAMPLES), "imported, and used"


def test_the_page_names_nothing_that_is_not_exported():
    for line in re.findall(r"from nimblepose import (.*)", PAGE):
        assert {name.strip() for name in line.split(",")} <= set(NAMES)
    assert not re.findall(r"from nimblepose\.", PAGE)
    for name, parents in re.findall(r"^\| `(\w+)` \| `(\w+)` \|", PAGE, re.MULTILINE):
        assert parents in {parent.__name__ for parent in getattr(nimblepose, name).__mro__}


def test_its_examples_run_in_order(tmp_path, monkeypatch, capsys):
    pytest.importorskip("av")
    pytest.importorskip("scipy")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    make_video(tmp_path / "match.mp4", [numbered(n) for n in range(20)])
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NIMBLEPOSE_MODEL", raising=False)
    monkeypatch.setenv("NIMBLEPOSE_OFFLINE", "1")
    names, printed = {}, []
    for code in EXAMPLES:
        exec(code, names)  # noqa: S102 - our own page
        printed.append(capsys.readouterr().out.splitlines())
    pictures, streaming, threads, looks, strict, *rest = printed
    shown, drawing, mapped, skeletons, video, followed, tracker, wrong = rest
    assert re.match(r"0\.\d+ None \[.*\] \(18, 2\) \{'skeleton'", pictures[0])
    assert pictures[1:] == ["3 people; (3, 18, 2) (3, 18) (3, 4)", "3", "3"]
    assert [line.split()[1] for line in looks] == ["people;", "people"]
    assert looks[1] == "3 people upside down"
    assert streaming == ["3", "3", "3"]
    assert threads == ["[3, 3, 3]"]
    assert strict[0].count(".") == 2
    assert shown == drawing == mapped == []
    assert (tmp_path / "people.png").is_file()
    assert (tmp_path / "people.drawn.png").is_file()
    assert skeletons == ["('nose', 'neck') 19 (3, 17, 2)", "True True"]
    assert [line.split()[:2] for line in video] == [[f"{n}", f"{n / 10}"] for n in range(2, 15, 2)]
    assert re.match(r"<Poses: 3 people of 'human18', best score 0\.\d+, ids 1 2 3>", followed[0])
    assert tracker == ["[1 2 3] {1: (3, 3), 2: (3, 3), 3: (3, 3)}"]
    assert wrong == ["no-such-picture.jpg: no such file True"]
