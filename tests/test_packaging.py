"""What is published: the source distribution is a clone, the README of an index page leads somewhere."""

import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from email import message_from_bytes
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

import nimblepose

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_sdist(sys.argv[1]))"


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    """The source distribution, made from a copy, so that nothing is left here."""
    # Asked for and not imported: it refuses where something else has imported distutils before it.
    try:
        enough = int(version("setuptools").partition(".")[0]) >= 77
    except PackageNotFoundError:  # newer Pythons come without it
        enough = False
    if not enough:
        pytest.skip("sdist needs setuptools 77")
    if not (ROOT / "MANIFEST.in").is_file():
        pytest.skip("needs a clone")
    copy = tmp_path_factory.mktemp("copy") / "clone"
    left = shutil.ignore_patterns(
        ".git", ".*_cache", "__pycache__", "*.egg-info", "shared", "runs", "out", ".venv*", "build", "dist"
    )
    shutil.copytree(ROOT, copy, ignore=left)
    subprocess.run([sys.executable, "-c", BUILD, str(copy / "made")], cwd=copy, check=True, capture_output=True)
    (archive,) = (copy / "made").glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
        (about,) = (member for member in opened.getmembers() if re.fullmatch(r"[^/]+/PKG-INFO", member.name))
        return names, message_from_bytes(opened.extractfile(about).read())


def test_it_holds_all_tests_and_what_they_read(sdist):
    names, _ = sdist
    for folder in ("tests", "examples", "docs", "benchmarks", "findings", "src/nimblepose"):
        here = {
            path.relative_to(ROOT).as_posix()
            for path in (ROOT / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
        }
        assert len(here) > 3
        assert here <= names, sorted(here - names)[:5]
    assert {"LICENSE", "NOTICE", "CHANGELOG.md", "CONTRIBUTING.md", "constraints.txt", "pyproject.toml"} <= names
    assert {"mkdocs.yml", ".dockerignore", ".github/workflows/tests.yml", ".ci/release.py"} <= names
    assert not [name for name in names if name.endswith(".pyc")]


def test_links_of_the_index_page_lead_to_files_of_this_version(sdist):
    _, about = sdist
    text = about.get_payload()
    assert about["Description-Content-Type"].startswith("text/markdown")
    assert text.startswith("# nimblepose")
    targets = re.findall(r"!?\[[^\]]*\]\(([^)\s]+)\)", text)
    assert len(targets) > 15
    start = re.escape(PROJECT["urls"]["Source"]) + r"/(blob|raw)/v" + re.escape(nimblepose.__version__) + "/"
    assert all(re.match(r"https://", target) for target in targets)
    own = [target for target in targets if target.startswith(PROJECT["urls"]["Source"])]
    assert len(own) > 10
    for target in own:
        assert (ROOT / re.sub(start, "", target)).exists(), target
    assert [target for target in own if "/raw/" in target] == [t for t in own if t.endswith((".jpg", ".png"))]


def test_it_says_where_the_project_is_and_which_pythons_were_tried(sdist):
    _, about = sdist
    addresses = dict(line.split(", ") for line in about.get_all("Project-URL"))
    assert {"Homepage", "Documentation", "Changelog", "Issues", "Source"} <= set(addresses)
    assert all(address.startswith(addresses["Source"]) for address in addresses.values())
    versions = re.findall(r"Python :: (3\.\d+)", "\n".join(about.get_all("Classifier")))
    assert versions[0] == PROJECT["requires-python"].removeprefix(">=")
    assert len(versions) >= 3
