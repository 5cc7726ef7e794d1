"""`nimblepose doctor` tells what is here, and fails where something does not work."""

import numpy as np

from nimblepose.runtime import models


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
