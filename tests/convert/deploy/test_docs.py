"""docs/deploy.md keeps its word: its Python is run, its tables name every target and everything that is refused."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("onnx")

from nimblepose.convert.deploy.exporting import export_for
from nimblepose.convert.deploy.targets import REFUSED, TARGETS

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "deploy.md").read_text("utf-8")


def test_the_python_block_says_that_the_check_passes(tmp_path):
    export_for("human", "onnx-float-input", tmp_path / "for-opencv")
    [code] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    said = re.findall(r"(heatmaps|pafs) differ by ([\d.]+) on average, allowed are ([\d.]+)", ran.stdout)
    assert [name for name, _, _ in said] == ["heatmaps", "pafs"]
    assert all(float(off) <= float(most) for _, off, most in said)


@pytest.mark.parametrize("name", [*TARGETS, *REFUSED])
def test_every_name_is_on_the_page(name):
    assert f"`{name}`" in PAGE
