"""Checkpoints come back as they went, or not at all."""

import dataclasses
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import save_file

from nimblepose.core.errors import ModelError
from nimblepose.core.metadata import InputSpec, ModelMetadata
from nimblepose.core.skeleton import COCO_17
from nimblepose.model.checkpoint import check_size, fill, load_checkpoint, save_checkpoint
from nimblepose.model.network import NetworkOptions, build_network

OPTIONS = NetworkOptions(width=0.25, channels=16, initial_head_channels=16, cpm="intel", refinement_stages=2)
METADATA = ModelMetadata(skeleton=COCO_17, input=InputSpec(channels="rgb"), licence="MIT", origin="a test")


@pytest.fixture(scope="module")
def network():
    return build_network(OPTIONS, COCO_17, seed=0).eval()


def test_there_and_back(network, tmp_path):
    path = tmp_path / "new folder" / "model.safetensors"
    save_checkpoint(network, METADATA, path)
    loaded, metadata = load_checkpoint(path)
    assert loaded.options == OPTIONS
    assert metadata == dataclasses.replace(METADATA, network=OPTIONS.to_dict())
    assert not loaded.training
    ours, theirs = network.state_dict(), loaded.state_dict()
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(network, tmp_path, monkeypatch):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"old")

    def fail(state, name, **_):
        Path(name).write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr("nimblepose.model.checkpoint.save_file", fail)
    with pytest.raises(ModelError, match="disk full"):
        save_checkpoint(network, METADATA, path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_every_key_that_does_not_fit_is_listed(network):
    state = dict(network.state_dict())
    del state["cpm.align.0.bias"], state["model.0.0.weight"]
    state["extra.weight"] = torch.zeros(2)
    state["cpm.conv.0.bias"] = torch.zeros(3)
    state["cpm.red.0.bias"] = torch.full_like(state["cpm.red.0.bias"], torch.nan)
    with pytest.raises(ModelError) as caught:
        fill(network, state, source="that.file")
    message = str(caught.value)
    for part in (
        "that.file",
        "5 keys",
        "missing: cpm.align.0.bias",
        "missing: model.0.0.weight",
        "surplus: extra.weight",
        "misshaped: cpm.conv.0.bias is (3,), expected (16,)",
        "not finite: cpm.red.0.bias",
    ):
        assert part in message


def test_a_cut_off_file_is_refused(network, tmp_path):
    path = tmp_path / "model.safetensors"
    save_checkpoint(network, METADATA, path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelError, match="cut off"):
        load_checkpoint(path)


def test_weights_without_our_metadata_name_the_remedy(tmp_path):
    save_file({"x": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match="nimblepose import"):
        load_checkpoint(tmp_path / "model.safetensors")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ModelError, match="nowhere"):
        load_checkpoint(tmp_path / "nowhere.safetensors")


def test_too_large_files_are_not_opened(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(bytes(11))
    check_size(path, max_bytes=11)
    with pytest.raises(ModelError, match="11 bytes"):
        check_size(path, max_bytes=10)


def test_half_the_bytes_with_a_relative_error_of_float16(network, tmp_path):
    save_checkpoint(network, METADATA, tmp_path / "whole.safetensors")
    save_checkpoint(network, METADATA, tmp_path / "half.safetensors", half=True)
    back = load_checkpoint(tmp_path / "half.safetensors")[0].state_dict()
    for key, tensor in network.state_dict().items():
        assert back[key].dtype == tensor.dtype
        if tensor.ndim == 4:
            torch.testing.assert_close(back[key], tensor, rtol=2**-11, atol=2**-24)
        else:
            assert torch.equal(back[key], tensor), "norms and biases are exact"
    whole, half = ((tmp_path / f"{name}.safetensors").stat().st_size for name in ("whole", "half"))
    assert half < 0.75 * whole
    with torch.no_grad():
        network.cpm.align[0].weight[0] = 1e6
    with pytest.raises(ModelError, match=r"cpm\.align\.0\.weight.* too large"):
        save_checkpoint(network, METADATA, tmp_path / "half.safetensors", half=True)
