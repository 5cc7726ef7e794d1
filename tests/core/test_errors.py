"""What is raised for a caller is a `PoseError`; where it is another, the docstring says so, or it stays inside."""

import ast
import builtins
import inspect
from pathlib import Path

import pytest

import nimblepose
from nimblepose.core import errors

ROOMS = ("core", "codec", "model", "data", "training")
BUILT_IN = {name for name, value in vars(builtins).items() if inspect.isclass(value) and issubclass(value, Exception)}


def raised(room):
    """File, name and docstring of each function, and the built-in errors that it raises by name."""
    for path in sorted((Path(nimblepose.__file__).parent / room).rglob("*.py")):
        for function in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(function, ast.FunctionDef):
                calls = [
                    node.exc.func for node in ast.walk(function) if isinstance(getattr(node, "exc", None), ast.Call)
                ]
                names = {call.id for call in calls if isinstance(call, ast.Name)} & BUILT_IN
                yield path.name, function.name, ast.get_docstring(function) or "", names


@pytest.mark.parametrize("room", ROOMS)
def test_other_errors_are_announced(room):
    functions = list(raised(room))
    assert functions
    silent = [
        (file, name, error)
        for file, name, text, names in functions
        for error in names
        if not name.startswith("_") and error not in text
    ]
    assert not silent


def test_who_looks_for_others_finds_them():
    assert ("regions.py", "decompress_runs", {"ValueError"}) in [(f, n, e) for f, n, _, e in raised("data")]


def test_every_error_of_ours_is_a_pose_error():
    ours = [value for value in vars(errors).values() if inspect.isclass(value)]
    assert len(ours) > 5
    assert all(issubclass(error, errors.PoseError) for error in ours)
