"""docs/interop.md names tests that there are, and forms that there are."""

import re
from pathlib import Path

from nimblepose.labels.readers import READERS
from nimblepose.labels.writers import WRITERS

ROOT = Path(__file__).parent
PAGE = (ROOT.parent / "docs" / "interop.md").read_text("utf-8")


def test_every_row_names_a_test_that_there_is():
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)
    assert len(named) >= 17
    for file, test in named:
        found = [path for path in ROOT.rglob(file.rsplit("/", 1)[-1]) if path.as_posix().endswith(file)]
        assert any(f"def {test}(" in path.read_text("utf-8") for path in found), f"{file}::{test}"


def test_every_finding_it_names_is_there():
    named = re.findall(r"`(findings/[\w.-]+)`", PAGE)
    assert named
    assert all((ROOT.parent / name).is_file() for name in named)


def test_every_reader_and_writer_has_its_place():
    assert {reader.name for reader in READERS} - {"nwb", "trc", "c3d", "nimblepose"} <= set(
        re.findall(r"^\| `([\w-]+)` \|", PAGE, re.M)
    )
    assert {writer.name for writer in WRITERS} <= set(re.findall(r"[\w-]+", PAGE))
