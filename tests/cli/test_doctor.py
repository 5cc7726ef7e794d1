"""`nimblepose doctor` tells what is here, and fails where something does not work."""

import numpy as np
import pytest

from nimblepose.cli import doctor
from nimblepose.core.errors import PoseError
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import HUMAN_18
from nimblepose.evaluation.self_test import check_runtime
from nimblepose.runtime import models
from nimblepose.runtime.estimator import PoseEstimator


def test_versions_and_machine_are_told(cli, estimator):
    out = cli("doctor").out
    for text in (np.__version__, "onnxruntime", "cores", "fake-model.onnx", "decoder"):
        assert text in out


def test_a_broken_runtime_ends_in_1(cli, estimator):
    def broken(_):
        raise RuntimeError("illegal instruction")

    estimator.hook = staticmethod(broken)
    ran = cli("doctor")
    assert ran.code == 1
    assert "onnxruntime  FAILED: illegal instruction" in ran.out


def test_a_missing_model_ends_in_1_and_downloads_nothing(cli, monkeypatch, tmp_path, web_server):
    monkeypatch.setenv("NIMBLEPOSE_MODEL", "human-pose-estimation-0001")
    monkeypatch.setenv("NIMBLEPOSE_CACHE", str(tmp_path))
    ran = cli("doctor")
    assert ran.code == 1
    assert "nimblepose model fetch" in ran.out
    assert list(tmp_path.iterdir()) == []


def test_a_packaged_model_that_was_changed_ends_in_1(cli, estimator, monkeypatch):
    monkeypatch.delenv("NIMBLEPOSE_MODEL")
    assert "not as it was shipped" not in cli("doctor").out
    monkeypatch.setattr(models.PackagedModel, "is_intact", lambda _: False)
    ran = cli("doctor")
    assert ran.code == 1
    assert "not as it was shipped" in ran.out


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_every_runtime_finds_the_people_of_the_packaged_picture(backend):
    pytest.importorskip(backend)
    estimator = PoseEstimator(models.PACKAGED["human"].path, backend=backend)
    assert check_runtime(estimator, packaged=True).startswith("works: 3 people")


def standing_at(noses):
    keypoints = np.full((len(noses), 18, 2), np.nan, np.float32)
    keypoints[:, 0] = np.reshape(noses, (-1, 2))
    return Poses(HUMAN_18, keypoints, np.full((len(noses), 18), 0.5, np.float32), np.full(len(noses), 0.8, np.float32))


@pytest.mark.parametrize(
    "noses",
    [[], [(211, 116), (711, 152)], [(211, 116), (711, 152), (1173, 206)], [(np.nan, np.nan), (711, 152), (1173, 186)]],
    ids=["nobody", "one less", "elsewhere", "no nose"],
)
def test_a_runtime_that_finds_others_fails(cli, estimator, monkeypatch, noses):
    monkeypatch.delenv("NIMBLEPOSE_MODEL")
    monkeypatch.setattr(estimator, "__call__", lambda *_: standing_at(noses))
    ran = cli("doctor")
    assert ran.code == 1
    people = "3 people, noses at ((211, 116), (711, 152), (1173, 186))"
    assert f"onnxruntime  FAILED: in the packaged picture are {people}; found {len(noses)}" in ran.out
    assert "use another --backend" in ran.out


def test_people_may_be_told_in_any_order(cli, estimator, monkeypatch):
    monkeypatch.delenv("NIMBLEPOSE_MODEL")
    monkeypatch.setattr(estimator, "__call__", lambda *_: standing_at([(711, 150), (1175, 186), (211, 119)]))
    assert "FAILED" not in cli("doctor").out


@pytest.mark.parametrize(
    ("flags", "told", "noted"),
    [("asimd asimddp sve i8mm", "asimd, asimddp, i8mm, sve", False), ("asimd sve2 sme", "asimd, sve2, sme", True)],
)
def test_what_the_processor_can_do_is_named(cli, estimator, monkeypatch, tmp_path, flags, told, noted):
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nFeatures\t: {flags}\n")
    monkeypatch.setattr(doctor, "_CPUINFO", tmp_path / "cpuinfo")
    out = cli("doctor").out
    assert f"cores; {told}\n" in out
    assert ("SME: whether OpenVINO computes right with it is not known" in out) == noted


def test_an_openvino_that_cannot_compile_names_the_other_runtime(monkeypatch):
    pytest.importorskip("openvino")
    from nimblepose.runtime import backends

    class Core:
        def __init__(self, real):
            self.read_model = real.read_model

        def compile_model(self, *_):
            raise RuntimeError("Convolution input precision should be single")

    core = Core(backends.openvino_core())
    monkeypatch.setattr(backends, "openvino_core", lambda: core)
    path = models.PACKAGED["human"].path
    with pytest.raises(
        PoseError, match=r"human\.onnx: OpenVINO 20.* cannot compile .* use --backend onnxruntime .*single"
    ):
        backends.open_backend(path, "openvino")
