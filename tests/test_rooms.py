"""Who may import whom, and what `import nimblepose` costs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import nimblepose

ROOT = Path(nimblepose.__file__).parent
STEPS = (  # a room may import rooms of the steps before its own
    {"core"},
    {"codec", "model", "media", "tracking"},
    {"drawing"},
    {"data", "runtime"},
    {"results"},
    {"evaluation"},
    {"convert"},
    {"training"},
    {"cli"},
)
STEP = {room: number for number, rooms in enumerate(STEPS) for room in rooms}
TORCH_ROOMS = {"model", "training"}
TORCH_FILES = {"data/dataset.py", "convert/export.py", "runtime/backends.py"}
MODULES = sorted(ROOT.rglob("*.py"))


def name(path):
    return path.relative_to(ROOT).as_posix()


def imports(path, *, at_import_only=False):
    """Dotted names that a file imports; `at_import_only` leaves out functions and TYPE_CHECKING blocks."""
    found, waiting = set(), [ast.parse(path.read_text("utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)}: relative import"
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif (at_import_only and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)) or (
            at_import_only and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        ):
            continue
        waiting += ast.iter_child_nodes(node)
    return found


def rooms(dotted_names):
    parts = (dotted.split(".") for dotted in dotted_names)
    return {part[1] for part in parts if part[0] == "nimblepose" and len(part) > 1 and part[1] in STEP}


def test_every_folder_is_a_known_room():
    folders = {path.parent.relative_to(ROOT).parts[0] for path in MODULES if path.parent != ROOT}
    assert folders <= set(STEP), "a new room needs its place in the table"


@pytest.mark.parametrize("path", [p for p in MODULES if p.parent != ROOT], ids=name)
def test_rooms_import_only_rooms_below(path):
    room = path.relative_to(ROOT).parts[0]
    above = {other for other in rooms(imports(path)) - {room} if STEP[other] >= STEP[room]}
    assert not above, f"{name(path)} ({room}) imports {above}"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_torch_stays_in_its_rooms(path):
    everywhere = {dotted.split(".")[0] for dotted in imports(path)}
    if path.relative_to(ROOT).parts[0] in TORCH_ROOMS or name(path) in TORCH_FILES:
        return
    assert not everywhere & {"torch", "lightning", "lightning_fabric"}


@pytest.mark.parametrize("path", [p for p in MODULES if p.parent.name in ("core", "cli", "runtime")], ids=name)
def test_what_is_heavy_or_optional_is_imported_where_it_is_used(path):
    heavy = {"torch", "onnxruntime", "openvino", "pooch", "pandas", "pyarrow", "av", "pycocotools", "faster_coco_eval"}
    assert not {dotted.split(".")[0] for dotted in imports(path, at_import_only=True)} & heavy


REPORTING = {"onnxruntime", "openvino", "openvino_telemetry"}  # send that they were imported, unless told before


@pytest.mark.parametrize(
    "path",
    [*MODULES, *sorted(ROOT.parents[1].glob("benchmarks/*.py")), *sorted(ROOT.parents[1].glob("examples/**/*.py"))],
    ids=lambda path: path.name,
)
def test_what_reports_about_its_users_is_imported_in_one_place_which_forbids_it(path):
    """`core.optional.import_optional`."""
    assert not {dotted.split(".")[0] for dotted in imports(path)} & REPORTING


def loaded_by(code):
    """Top-level packages in `sys.modules` after running `code` in a fresh interpreter."""
    report = "; import sys; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    ran = subprocess.run([sys.executable, "-c", code + report], capture_output=True, text=True, check=True)
    return set(ran.stdout.split()) - set(sys.stdlib_module_names)


def test_importing_nimblepose_loads_numpy_only():
    ours = loaded_by("import nimblepose") - loaded_by("import numpy")
    assert ours == {"nimblepose"}


def test_estimating_loads_no_torch():
    loaded = loaded_by("from nimblepose import PoseEstimator")
    assert "cv2" in loaded
    assert not loaded & {"torch", "openvino", "lightning"}
