"""What docs/formats.md shows works: its Python reads what we write, its examples are read, its tables lack nothing."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import HUMAN_18
from nimblepose.media.frames import Stamp
from nimblepose.results.formats import FORMATS, parse_formats
from nimblepose.results.output_format import Header
from nimblepose.results.reading import ResultsFile
from nimblepose.results.tables import COLUMNS

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "formats.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
OWN = "json,coco,openpose,csv,parquet"
HEADER = Header(model="human", skeletons=(HUMAN_18,), source="match.mp4", rate=29.97003)


@pytest.fixture
def match(tmp_path, monkeypatch):
    """Results of 150 frames, with somebody in the last 40."""
    monkeypatch.chdir(tmp_path)
    files = [made.video.begin(tmp_path / f"match{made.video.ending}", HEADER) for made in parse_formats(OWN)]
    for n in range(150):
        keypoints = np.full((1, 18, 2), n, np.float32)
        one = Poses(HUMAN_18, keypoints, np.full((1, 18), 0.5, np.float32), np.full(1, 0.75, np.float32), np.array([3]))
        for file in files:
            file.add(Stamp(n, n * 1001 / 30000, (720, 1280)), one if n >= 110 else one[[]])
    for file in files:
        file.finish()


@pytest.mark.parametrize(
    ("number", "package", "shown"),
    [
        (0, "pandas", "29.97003 frames per second, 0.2666"),
        (1, "polars", "shape: (40, 6)"),
        (2, "duckdb", "[150, 29.97003, match.mp4]"),
        (3, "pyarrow", "150 29.97003 match.mp4 dict_keys(['human18'])"),
        (4, "numpy", "149 4.971633 [3] (1, 18, 2)"),
    ],
    ids=["pandas", "polars", "duckdb", "pyarrow", "nimblepose"],
)
def test_its_python_runs(match, capfd, number, package, shown):
    pytest.importorskip(package)
    assert len(BLOCKS) == 5
    exec(BLOCKS[number], {})  # noqa: S102 - our own page
    assert shown in capfd.readouterr().out


def test_its_examples_are_what_we_read(tmp_path):
    document, lines = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "a.json").write_text(document)
    (tmp_path / "a.jsonl").write_text(lines)
    (picture,) = ResultsFile(tmp_path / "a.json")
    frames = list(ResultsFile(tmp_path / "a.jsonl"))
    assert [len(frame.poses) for frame in frames] == [0, 1]
    assert picture.poses.skeleton.keypoints == ("nose", "neck")
    header = json.loads(lines.splitlines()[0])["header"]
    assert header == {**HEADER.to_dict(), "skeletons": {}}
    assert json.loads(document).keys() - {"pictures"} == Header(model="m", skeletons=()).to_dict().keys()


def test_its_tables_name_every_format_and_column():
    first_cells = re.findall(r"^\| (`[^|]*) \|", PAGE, re.MULTILINE)
    named = {name for cell in first_cells for name in re.findall(r"`([\w-]+)`", cell)}
    assert {made.name for made in FORMATS} | set(COLUMNS) | HEADER.to_dict().keys() - {"format", "version"} <= named
