"""Core ML, simulated, and ExecuTorch find the same people; skipped where their packages are missing."""

import json

import numpy as np
import pytest

from nimblepose.core.errors import ModelError, OptionError

for package in ("onnx", "torch"):
    pytest.importorskip(package)

import onnx

from nimblepose.convert.deploy.coreml_form import LARGEST, _compute
from nimblepose.convert.deploy.exporting import export_for
from nimblepose.convert.deploy.targets import TARGETS
from nimblepose.runtime.models import PACKAGED

NEEDS = {"coreml": "coremltools", "executorch": "executorch"}
LIMITS = {"coreml": (0.01, 0.02, 0.5), "executorch": (1e-5, 1e-5, 0.05)}  # heatmaps, PAFs, pixels


@pytest.fixture(params=NEEDS)
def target(request):
    pytest.importorskip(NEEDS[request.param], reason=f"pip install 'nimblepose[{request.param}]'")
    return request.param


def test_the_same_people_at_sizes_that_change(target, tmp_path):
    report = export_for("human", target, tmp_path)
    [differences] = report.differences.values()
    assert len(differences) == 3
    heatmaps, pafs, pixels = LIMITS[target]
    for one in differences.values():
        assert (one.people, one.same_keypoints) == ((3, 3), True)
        assert one.heatmaps <= heatmaps
        assert one.pafs <= pafs
        assert one.pixels <= pixels
    assert report.finds_swapped
    told = json.loads((tmp_path / f"human-{target}.json").read_text("utf-8"))
    assert told["input"]["largest"] == list(LARGEST)
    assert all((tmp_path / file).is_file() for file in told["files"])
    if target == "coreml":
        check_coreml(tmp_path / "human-coreml.mlpackage")


def check_coreml(package):
    """Its description and metadata, byte for byte; half the size of 32 bits."""
    import coremltools

    specification = coremltools.utils.load_spec(str(package))
    [truth] = [p.value for p in onnx.load(PACKAGED["human"].path).metadata_props]
    kept = json.loads(specification.description.metadata.userDefined["nimblepose"])
    assert {**json.loads(truth), "input": None} == {**kept, "input": None}  # the caller makes numbers, as told
    assert kept["input"]["dtype"] == "float32"
    assert [one.name for one in specification.description.input] == ["image"]
    assert [one.name for one in specification.description.output] == ["heatmaps", "pafs"]
    assert 8e6 < (package / "Data/com.apple.CoreML/weights/weight.bin").stat().st_size < 9e6


def test_what_was_only_simulated_says_so():
    [name] = TARGETS["coreml"].runtimes
    assert "simulated, not run here" in name


@pytest.mark.parametrize("target", NEEDS)
def test_a_picture_that_is_too_wide_is_refused_before_anything_is_converted(tmp_path, monkeypatch, target):
    monkeypatch.setattr("nimblepose.convert.deploy.exporting.check_installed", lambda *_: None)
    wide = np.zeros((100, 600, 3), np.uint8)
    with pytest.raises(OptionError, match=r"picture 0 is seen at 368 x 2208, this form takes up to 512 x 1536"):
        export_for("human", target, tmp_path, pictures=[wide])
    assert not list(tmp_path.iterdir())


def test_the_simulation_rounds_to_16_bits_and_knows_its_operations():
    values = np.array([[[[1.0001, -2.0]]]], np.float32)
    np.testing.assert_array_equal(_compute("cast", {"x": values}), values.astype(np.float16).astype(np.float32))
    np.testing.assert_array_equal(_compute("relu", {"x": values})[..., 1], 0)
    elu = _compute("elu", {"x": values, "alpha": np.float16(1)})
    np.testing.assert_allclose(elu[..., 1], np.expm1(-2), atol=1e-3)
    padded = _compute(
        "conv",
        {"x": values, "weight": np.ones((1, 1, 1, 3), np.float16), "bias": np.zeros(1, np.float16), "pad": [0, 0, 1, 1],
         "strides": [1, 1], "dilations": [1, 1], "groups": 1},
    )  # fmt: skip
    np.testing.assert_allclose(padded.ravel(), [-1, -1], atol=2e-3)
    with pytest.raises(ModelError, match="'softmax' of a network of ours"):
        _compute("softmax", {"x": values})
