"""Benchmarks and examples import what is there: nothing else runs them here, so a rename would go unseen."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = sorted([*ROOT.glob("benchmarks/*.py"), *ROOT.glob("examples/**/*.py")])


def names_in(module):
    """What can be imported from a module of ours; nothing of it is run."""
    path = ROOT.joinpath("src", *module.split("."))
    if path.is_dir():
        names, path = {one.stem for one in path.iterdir()}, path / "__init__.py"
    else:
        names, path = set(), path.with_suffix(".py")
    assert path.is_file(), module
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_import_what_is_there(script):
    for node in ast.walk(ast.parse(script.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "nimblepose":
            assert {alias.name for alias in node.names} <= names_in(node.module), node.module
