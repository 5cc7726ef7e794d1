"""Cutting a version, where it stands, the image for `serve`, and what the workflow tries."""

import importlib
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

import nimblepose

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
CHANGES = "# Changelog\n\n## Unreleased\n\n### Added\n- A thing.\n\n## 0.0.1 - 2026-01-01\n\n- Older.\n"


@pytest.fixture
def release(monkeypatch):
    """The script."""
    monkeypatch.syspath_prepend(ROOT / ".ci")
    return importlib.import_module("release")


def test_the_version_stands_in_one_place(release):
    assert "version" not in PROJECT["project"]
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "nimblepose.__version__"}
    text = (ROOT / "src/nimblepose/__init__.py").read_text("utf-8")
    assert release.VERSION.findall(text) == [nimblepose.__version__]
    named = subprocess.run([sys.executable, "-m", "nimblepose", "--version"], capture_output=True, text=True).stdout
    assert named.strip() == f"nimblepose {nimblepose.__version__}"
    assert re.match(r"\d+\.\d+\.\d+", version("nimblepose"))


def test_a_cut_gives_what_is_unreleased_a_version_and_a_day(release):
    text = release.cut(CHANGES, "0.1.0", "2026-02-03")
    assert text == CHANGES.replace("## Unreleased\n", "## Unreleased\n\n## 0.1.0 - 2026-02-03\n")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Unreleased", "0.1.0 - 2026-02-03", "0.0.1 - 2026-01-01"]


@pytest.mark.parametrize(
    ("changes", "number", "why"),
    [
        (CHANGES, "0.2", "no version"),
        (CHANGES, "0.0.1", "already"),
        (CHANGES.replace("### Added\n- A thing.\n", ""), "0.1.0", "nothing below"),
        ("# Changelog\n", "0.1.0", "nothing below"),
    ],
)
def test_what_cannot_be_cut_is_refused(release, changes, number, why):
    with pytest.raises(ValueError, match=why):
        release.cut(changes, number, "2026-02-03")


def test_our_changelog_could_be_cut(release):
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert "## 99.0.0 - 2099-01-01" in release.cut(text, "99.0.0", "2099-01-01") or "## Unreleased\n\n## " in text


def test_the_image_is_that_of_the_page():
    image = (ROOT / "examples/serve/Dockerfile").read_text("utf-8")
    (block,) = re.findall(r"```dockerfile\n(.*?)```", (ROOT / "docs/serving.md").read_text("utf-8"), re.DOTALL)
    steps = [line for line in image.splitlines() if not line.startswith("#")]
    assert steps == block.splitlines()
    words = {line.partition(" ")[0]: line for line in steps}
    assert re.search(r"python:3\.1[1-4]-slim", words["FROM"])
    assert "'/src[serve]'" in words["RUN"]
    assert words["USER"] != "USER root"
    assert "serve" in PROJECT["project"]["optional-dependencies"]
    entry = yaml.safe_load(words["ENTRYPOINT"].partition(" ")[2])
    known = subprocess.run([sys.executable, "-m", "nimblepose", "serve", "--help"], capture_output=True, text=True)
    assert entry[:2] == ["nimblepose", "serve"]
    for option in entry[2:]:
        assert not option.startswith("--") or option in known.stdout


def test_what_is_left_out_of_the_image_is_nothing_that_it_needs():
    left_out = (ROOT / ".dockerignore").read_text("utf-8").split()
    assert ".git" in left_out
    assert not {"src", "pyproject.toml", "setup.py", "README.md", "constraints.txt", "LICENSE"} & set(left_out)


def test_the_workflow_tries_every_python_and_installs_extras_that_exist():
    workflow = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text("utf-8"))
    tried = workflow["jobs"]["tests"]["strategy"]["matrix"]["python"]
    assert tried == ["3.11", "3.12", "3.13", "3.14"]
    declared = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["project"]["classifiers"]))
    assert set(declared) <= set(tried)
    for extras in re.findall(r"\.\[([\w,]+)\]", (ROOT / ".github/workflows/tests.yml").read_text("utf-8")):
        assert set(extras.split(",")) <= set(PROJECT["project"]["optional-dependencies"])


def test_the_page_of_releasing_names_what_is_there(release):
    page = (ROOT / "docs/releasing.md").read_text("utf-8")
    for file in re.findall(r"`((?:tests|\.ci|\.github|examples)/[\w./-]+)`", page):
        assert (ROOT / file).exists(), file
    assert "--strict" in page
    assert all((ROOT / path).exists() for path in release.QUICK)
