"""`py.typed` keeps its word: a client's types are what mypy and pyright find, in both of their strict modes."""

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import nimblepose

ROOT = Path(__file__).resolve().parents[1]
WRONG = """
from nimblepose import PoseEstimator
poses = PoseEstimator(quality="quick")("a.jpg")
poses.people
"""


@pytest.fixture
def client(tmp_path):
    """The client, in a folder of its own, and one that is wrong."""
    shutil.copyfile(ROOT / "tests/client.py", tmp_path / "client.py")
    (tmp_path / "wrong.py").write_text(WRONG)
    return tmp_path


def test_the_mark_is_there():
    assert (Path(nimblepose.__file__).parent / "py.typed").is_file()


def test_mypy(client):
    pytest.importorskip("mypy")
    path = str(Path(nimblepose.__file__).parents[1])
    heavy = ",".join(f"{name}.*" for name in ("torch", "pandas", "scipy", "pyarrow", "lightning_fabric"))
    (client / "mypy.ini").write_text(
        "[mypy]\n[mypy-nimblepose.*]\nfollow_imports = silent\n"  # as mypy treats what is installed
        f"[mypy-{heavy}]\nfollow_imports = skip\n"  # half a minute of them
    )

    def check(name):
        command = [sys.executable, "-m", "mypy", "--strict", "--ignore-missing-imports", "--no-incremental", name]
        return subprocess.run(command, cwd=client, env={"MYPYPATH": path, "PATH": ""}, capture_output=True, text=True)

    right, wrong = check("client.py"), check("wrong.py")
    assert right.returncode == 0, right.stdout
    assert "'quick'" in wrong.stdout
    assert 'has no attribute "people"' in wrong.stdout


def test_pyright(client):
    if find_spec("pyright") is None or not shutil.which("node"):
        pytest.skip("pyright or node is not here")
    settings = {"extraPaths": [str(Path(nimblepose.__file__).parents[1])], "typeCheckingMode": "strict"}
    (client / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson"]
    told = json.loads(subprocess.run(command, cwd=client, capture_output=True, text=True).stdout)
    faults = {}
    for one in told["generalDiagnostics"]:
        faults.setdefault(Path(one["file"]).name, []).append(one["message"])
    assert "client.py" not in faults, faults["client.py"]
    assert any("'quick'" in message for message in faults["wrong.py"])
    assert any('"people"' in message for message in faults["wrong.py"])
