"""Who may import whom, and what `import nimblepose` costs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import nimblepose
from nimblepose.core.optional import _INSTALLED_BY

ROOT = Path(nimblepose.__file__).parent
STEPS = (  # a room may import rooms of the steps before its own
    {"core"},
    {"codec", "model", "media", "tracking"},
    {"drawing", "looks"},
    {"data", "runtime"},
    {"results"},
    {"batch", "evaluation", "labels", "report", "web"},
    {"convert", "serve"},
    {"training"},
    {"cli"},
)
STEP = {room: number for number, rooms in enumerate(STEPS) for room in rooms}
NOT_ROOMS = {"weights"}  # folders of the package without code
TORCH_ROOMS = {"model", "training"}
TORCH_FILES = {
    "data/dataset.py", "convert/export.py", "convert/deploy/coreml_form.py", "convert/deploy/executorch_form.py",
    "convert/deploy/graph_module.py", "convert/deploy/litert_form.py", "runtime/backends.py",
}  # fmt: skip
OPTIONAL = {  # imported inside functions, so that who does not need them need not have them, nor wait for them
    "MNN", "ai_edge_litert", "av", "coremltools", "executorch", "faster_coco_eval", "fsspec", "h5py", "httptools",
    "lightning_fabric", "litert_torch", "mlflow", "ncnn", "ndx_pose", "onnx", "onnxruntime", "onnxscript", "openvino",
    "pandas", "pi_heif", "pillow_heif", "pnnx", "pooch", "pyarrow", "pynwb", "python_multipart", "ray", "safetensors",
    "scipy", "starlette", "supervision", "tables", "tensorboard", "torch", "uvicorn", "wandb", "websockets",
}  # fmt: skip
NEEDED_BY = {  # rooms that are for them
    "model": {"torch", "safetensors"},
    "serve": {"python_multipart", "starlette", "uvicorn"},
    "training": {"torch", "lightning_fabric"},
}
NEEDED_IN = {"data/dataset.py": {"torch"}, "convert/deploy/graph_module.py": {"torch"}}
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
        elif at_import_only and isinstance(node, ast.Call) and "import_optional" in ast.dump(node.func):
            found |= {argument.value for argument in node.args[:1] if isinstance(argument, ast.Constant)}
        elif (at_import_only and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)) or (
            at_import_only and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        ):
            continue
        waiting += ast.iter_child_nodes(node)
    return found


def rooms(dotted_names):
    parts = (dotted.split(".") for dotted in dotted_names)
    return {part[1] for part in parts if part[0] == "nimblepose" and len(part) > 1 and part[1] in STEP}


def test_every_folder_is_a_known_room_and_every_room_a_folder():
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders - NOT_ROOMS == set(STEP), "a new room needs its place in the table"
    assert not [path for folder in NOT_ROOMS for path in (ROOT / folder).rglob("*.py")], "code lies in rooms"


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


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_what_is_heavy_or_optional_is_imported_where_it_is_used(path):
    allowed = NEEDED_BY.get(path.relative_to(ROOT).parts[0], set()) | NEEDED_IN.get(name(path), set())
    at_import = {dotted.split(".")[0] for dotted in imports(path, at_import_only=True)}
    assert not at_import & (OPTIONAL - allowed)


def test_packages_that_core_knows_how_to_install_are_among_the_optional_ones():
    assert set(_INSTALLED_BY) <= OPTIONAL


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
