"""docs/licences.md lists every package that any extra brings along, and none binds who uses nimblepose."""

import re
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
pytest.importorskip("packaging")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
ROWS = re.findall(r"^\| ([a-z0-9-]+) \| (.+) \| (.+) \|$", (ROOT / "docs/licences.md").read_text("utf-8"), re.MULTILINE)
TABLE = {name: (licence, extras) for name, licence, extras in ROWS if set(name) != {"-"} and name != "package"}
TOOLS = {"`dev`", "`docs`", "`release`", "`test`"}  # of who works on nimblepose; nobody else gets them


@pytest.fixture(scope="module")
def licences():
    """The script that writes the page."""
    sys.path.insert(0, str(ROOT / ".ci"))
    try:
        import licences

        yield licences
    finally:
        sys.path.remove(str(ROOT / ".ci"))


def test_all_requirements_and_what_they_bring_along_here_are_listed(licences):
    """With the versions that are pinned: older and newer ones bring other packages along."""
    pins = dict(re.findall(r"^([\w-]+)==(\S+)$", (ROOT / "constraints.txt").read_text("utf-8"), re.MULTILINE))
    if any(version(name) != pins[name] for name in ("numpy", "onnxruntime", "typer")):
        pytest.skip("not the versions of constraints.txt, which the page lists")
    brought = licences.list_packages(PROJECT, licences.find_installed(sys.path[1:]))
    assert len(brought) > 60
    assert set(brought) <= set(TABLE), f"python .ci/licences.py: {sorted(set(brought) - set(TABLE))}"
    for extra, requirements in licences.list_extras(PROJECT).items():
        for requirement in requirements:
            name = licences.canonicalize_name(licences.Requirement(requirement).name)
            where = "always" if not extra else f"`{extra}`"
            assert name == "nimblepose" or "always" in TABLE[name][1] or where in TABLE[name][1], (name, extra)


def test_none_binds_who_uses_it(licences):
    bound = {name: extras for name, (licence, extras) in TABLE.items() if licences.BINDING.search(licence)}
    assert not [name for name, extras in bound.items() if set(extras.split(", ")) - TOOLS], bound
    assert all(licence.strip() for licence, _ in TABLE.values())


@pytest.mark.parametrize("text", ["AGPL-3.0-only", "GPLv3", "GNU General Public License v2", "GNU Affero"])
def test_what_binds_is_told(licences, text):
    assert licences.BINDING.search(text)
    assert not licences.BINDING.search("LGPL-2.1-or-later, GNU Lesser General Public License, MIT")
