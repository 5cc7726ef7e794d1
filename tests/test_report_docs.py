"""What docs/report.md shows works: its commands have options that exist, its bounds are those of the code."""

import re
from pathlib import Path

import typer.main

from nimblepose.cli.app import app
from nimblepose.report import bins, page, series, tables

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "report.md").read_text("utf-8")


def test_its_options_exist_and_none_is_missing():
    verb = typer.main.get_command(app).commands["report"]
    known = {option for parameter in verb.params for option in parameter.opts if option.startswith("--")}
    (block,) = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
    assert set(re.findall(r"--[a-z-]+", block)) <= known
    table = PAGE.split("## Options")[1]
    assert known - {"--quiet"} == set(re.findall(r"^\| `(--[a-z-]+)`", table, re.MULTILINE))


def test_its_bounds_are_those_of_the_code():
    bounds = PAGE.split("## Long recordings")[1].split("## Options")[0]
    for bound in (
        bins.MAX_BINS,
        series.MOST_ROWS,
        series.MOST_LINES,
        series.MOST_VALUES,
        tables.MOST_ROWS,
        page.MOST_SECTIONS,
    ):
        assert f"{bound:,}" in bounds
