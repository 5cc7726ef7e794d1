"""The network of drawn creatures goes the same roads as that of people."""

import importlib.util
from pathlib import Path

import pytest

from nimblepose.media.pictures import read_picture
from nimblepose.runtime.models import STARTS

for package in ("torch", "onnx", "onnxscript", "safetensors"):
    pytest.importorskip(package)

from nimblepose.convert.deploy.exporting import export_for
from nimblepose.convert.export import export_onnx
from nimblepose.model.checkpoint import load_checkpoint

CREATURES = Path(__file__).resolve().parents[3] / "examples/creatures/generate.py"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    specification = importlib.util.spec_from_file_location("generate_creatures", CREATURES)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    folder = tmp_path_factory.mktemp("creatures")
    module.generate(folder, 1, seed=1)
    return [read_picture(path) for path in sorted(folder.glob("images/*.jpg"))]


@pytest.fixture(scope="module")
def creatures(tmp_path_factory):
    """Exported once: that is what takes time."""
    path = tmp_path_factory.mktemp("model") / "creatures.onnx"
    network, metadata = load_checkpoint(STARTS["creature-025"].path)
    export_onnx(network, metadata, path)
    return path


@pytest.mark.parametrize(
    ("target", "needs"), [("onnx-float-input", ()), ("litert", ("litert_torch", "ai_edge_litert"))]
)
def test_creatures_are_found_in_other_runtimes(creatures, pictures, tmp_path, target, needs):
    for package in needs:
        pytest.importorskip(package, reason="pip install 'nimblepose[litert]'")
    report = export_for(creatures, target, tmp_path, pictures=pictures)
    for differences in report.differences.values():
        for one in differences.values():
            assert one.people[0] == one.people[1] > 0
            assert one.same_keypoints
            assert one.pixels < 0.05
    assert report.metadata.skeleton.name == "creature"
