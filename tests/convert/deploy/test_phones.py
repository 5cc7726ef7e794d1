"""ncnn and LiteRT find the same people in the packaged model; skipped where their packages are missing."""

import sys

import numpy as np
import pytest

from nimblepose.core.errors import MissingPackageError, ModelError

pytest.importorskip("onnx")

from nimblepose.convert.deploy import ncnn_form
from nimblepose.convert.deploy.exporting import export_for
from nimblepose.convert.deploy.native import open_onnxruntime


def worst(report, name):
    return max(getattr(one, name) for differences in report.differences.values() for one in differences.values())


def check_people(report):
    for differences in report.differences.values():
        assert len(differences) == 3
        assert all((one.people, one.same_keypoints) == ((3, 3), True) for one in differences.values())


@pytest.mark.parametrize(("target", "heatmaps", "pafs"), [("ncnn", 0.01, 0.02), ("ncnn-float32", 1e-5, 1e-5)])
def test_ncnn_finds_the_same_people(tmp_path, target, heatmaps, pafs):
    pytest.importorskip("ncnn", reason="pip install 'nimblepose[ncnn]'")
    pytest.importorskip("pnnx", reason="pip install 'nimblepose[ncnn]'")
    report = export_for("human", target, tmp_path)
    check_people(report)
    assert sorted(p.suffix for p in report.files) == [".bin", ".json", ".param"]
    assert worst(report, "heatmaps") <= heatmaps
    assert worst(report, "pafs") <= pafs
    assert worst(report, "pixels") <= 0.5
    sizes = {path.suffix: size for path, size in report.files.items()}
    assert (sizes[".bin"] < 9e6) == (target == "ncnn")


def test_ncnn_that_cannot_load_its_file_is_our_error(tmp_path):
    pytest.importorskip("ncnn", reason="pip install 'nimblepose[ncnn]'")
    (tmp_path / "a.param").write_text("nonsense")
    with pytest.raises(ModelError, match=r"cannot load a\.param"):
        ncnn_form.open_ncnn(tmp_path / "a.param")


def test_mnn_finds_the_same_people(tmp_path):
    pytest.importorskip("MNN", reason="pip install 'nimblepose[mnn]'")
    report = export_for("human", "mnn", tmp_path)
    check_people(report)
    assert max(worst(report, "heatmaps"), worst(report, "pafs")) <= 5e-4
    assert worst(report, "pixels") <= 0.05


def test_litert_finds_the_same_people(tmp_path):
    for package in ("torch", "litert_torch", "ai_edge_litert"):
        pytest.importorskip(package, reason="pip install 'nimblepose[litert]'")
    report = export_for("human", "litert", tmp_path)
    check_people(report)
    assert max(worst(report, "heatmaps"), worst(report, "pafs")) <= 1e-5


def test_litert_takes_another_skeleton(tiny, tmp_path):
    for package in ("torch", "litert_torch", "ai_edge_litert"):
        pytest.importorskip(package, reason="pip install 'nimblepose[litert]'")
    from nimblepose.convert.deploy.litert_form import open_litert

    report = export_for(tiny.onnx, "litert", tmp_path)
    batch = np.random.default_rng(0).uniform(-1, 1, (1, 3, 64, 96)).astype(np.float32)
    for ours, theirs in zip(
        open_litert(next(iter(report.files)))(batch), open_onnxruntime(tiny.onnx)(batch), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


@pytest.mark.parametrize(
    ("target", "package"),
    [
        ("ncnn", "pnnx"),
        ("litert", "litert_torch"),
        ("coreml", "coremltools"),
        ("executorch", "executorch"),
        ("mnn", "MNN"),
    ],
)
def test_a_missing_package_is_named_with_what_to_install(tmp_path, monkeypatch, target, package):
    monkeypatch.setattr("nimblepose.core.optional.find_spec", lambda name: None if name == package else sys)
    with pytest.raises(MissingPackageError, match=rf"{package} is not installed; pip install 'nimblepose\[{target}\]'"):
        export_for("human", target, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("target", "source", "message"),
    [
        ("litert", "human", r"onnx, torch, litert_torch and ai_edge_litert are .*; pip install 'nimblepose\[litert\]'"),
        ("coreml", "human", r"onnx, torch and coremltools are not installed; pip install 'nimblepose\[coreml\]'"),
        ("mnn", "human", r"onnx and MNN are not installed; pip install 'nimblepose\[mnn\]'"),
        ("ncnn", "a.safetensors", r"onnx, pnnx, ncnn, torch, safetensors and onnxscript are .*\[ncnn,train\]'"),
        ("openvino", "human", r"onnx and openvino are not installed; pip install 'nimblepose\[train,openvino\]'"),
    ],
)
def test_all_that_is_missing_is_named_at_once(tmp_path, monkeypatch, target, source, message):
    """Whoever installs what is named is not told of the next."""
    (tmp_path / "a.safetensors").touch()
    monkeypatch.setattr("nimblepose.core.optional.find_spec", lambda _: None)
    with pytest.raises(MissingPackageError, match=f"^--to {target}: {message}$"):
        export_for(tmp_path / source if "." in source else source, target, tmp_path / "out")
