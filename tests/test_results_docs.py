"""What docs/results.md shows works, and its tables lack nothing."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from own_formats import FORMATS

from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import HUMAN_18
from nimblepose.media.frames import Stamp
from nimblepose.results.output_format import Header
from nimblepose.results.tables import COLUMNS

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "results.md").read_text("utf-8")


@pytest.fixture
def match(tmp_path, monkeypatch):
    """Two people in half of the frames, with noses at 10.5 and 20.5 on average."""
    monkeypatch.chdir(tmp_path)
    header = Header(model="human", skeletons=(HUMAN_18,), source="match.mp4", rate=25)
    files = [made.video.begin(tmp_path / f"match{made.video.ending}", header) for made in FORMATS]
    for n in range(4):
        xy = np.full((2, 18, 2), 9, np.float32)
        xy[:, 0, 0] = (9 + n, 19 + n)
        scores = np.full((2, 18), 0.5, np.float32)
        poses = Poses(HUMAN_18, xy, scores, np.ones(2, np.float32), np.array([3, 7]))
        for file in files:
            file.add(Stamp(n, n / 25, (48, 64)), poses)
    for file in files:
        file.finish()


@pytest.mark.parametrize("package", ["pandas", "polars", "duckdb"])
def test_its_python_runs(match, capfd, package):
    pytest.importorskip(package)
    (block,) = (b for b in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if f"import {package}" in b)
    exec(block, {})  # noqa: S102 - our own page
    shown = capfd.readouterr().out
    assert "10.5" in shown
    assert "20.5" in shown


def test_its_r_runs(match):
    if shutil.which("Rscript") is None:
        pytest.skip("R is not installed")
    (block,) = re.findall(r"```r\n(.*?)```", PAGE, re.DOTALL)
    ran = subprocess.run(["Rscript", "-e", block], capture_output=True, text=True, check=True)
    assert re.search(r"3 10\.5\s+2\s+7 20\.5", ran.stdout)


def test_its_octave_runs(match):
    if shutil.which("octave-cli") is None:
        pytest.skip("Octave is not installed")
    (block,) = re.findall(r"```octave\n(.*?)```", PAGE, re.DOTALL)
    ran = subprocess.run(["octave-cli", "--quiet", "--eval", block], capture_output=True, text=True, check=True)
    assert [float(number) for number in ran.stdout.split()[2:]] == [0, 0, 10.5, 0, 0, 0, 20.5]


def test_its_libreoffice_runs(match, tmp_path):
    if shutil.which("soffice") is None:
        pytest.skip("LibreOffice is not installed")
    ((line, formula),) = re.findall(r"```sh\n(soffice [^\n]*)\n(=[^\n]*)\n```", PAGE)
    program, *words = shlex.split(line)
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    subprocess.run([program, "--headless", profile, *words], capture_output=True, check=True, timeout=170)
    assert (tmp_path / "match.poses.ods").stat().st_size > 1000
    evaluated = [word.replace("1033", "1033,false,false,false,false,false,0,true") for word in words[:-3]]
    path = tmp_path / "formula.csv"
    path.write_text((tmp_path / "match.poses.csv").read_text() + formula + "\n")
    words = [*evaluated, "--convert-to", "csv", "--outdir", "out", str(path)]
    subprocess.run([program, "--headless", profile, *words], capture_output=True, check=True, timeout=170)
    assert (tmp_path / "out" / "formula.csv").read_text().splitlines()[-1].strip(',"') == "10.5"


def test_its_tables_name_every_column_and_field(match):
    cells = {
        name for cell in re.findall(r"^\| (`[^|]*) \|", PAGE, re.MULTILINE) for name in re.findall(r"`(\w+)`", cell)
    }
    assert set(COLUMNS) <= cells
    fields = set(re.findall(r'"(\w+)":', Path("match.poses.jsonl").read_text().splitlines()[1])) - {
        "people",
        "keypoints",
    }
    assert fields <= cells
