"""Public weights become networks of ours, whole, or are refused with every reason."""

import json
import pickle
import zipfile
import zlib

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from nimblepose.core.errors import ModelError
from nimblepose.core.metadata import ModelMetadata
from nimblepose.core.skeleton import COCO_17, HUMAN_18
from nimblepose.model.checkpoint import save_checkpoint
from nimblepose.model.importing import import_weights
from nimblepose.model.network import NetworkOptions, build_network


def filled(key, shape):
    """The fill rule of the golden data."""
    s = np.sin(np.arange(int(np.prod(shape))) * 0.7310 + (zlib.crc32(key.encode()) % 1000) * 0.01)
    if key.endswith("num_batches_tracked"):
        return torch.tensor(0)
    if key.endswith("running_var"):
        s = 0.6 + 0.4 * np.abs(s)
    elif key.endswith("running_mean"):
        s = 0.1 * s
    elif len(shape) == 4:
        s = s * np.sqrt(3 / (shape[1] * shape[2] * shape[3]))
    elif key.endswith(".weight"):
        s = 1 + 0.2 * s
    else:
        s = 0.05 * s
    return torch.from_numpy(s.astype(np.float32).reshape(shape))


def reference_state(stages=1, cpm="reference"):
    state = build_network(NetworkOptions(refinement_stages=stages, cpm=cpm), HUMAN_18, seed=0).state_dict()
    return {key: filled(key, tuple(value.shape)) for key, value in state.items()}


def fields_of(network, size=(32, 48)):
    image = torch.from_numpy(np.random.default_rng(0).uniform(-0.5, 0.5, (1, 3, *size)).astype(np.float32))
    with torch.inference_mode():
        return network(image)


@pytest.mark.parametrize("training_dict", [False, True], ids=["state dict", "training dict"])
@pytest.mark.parametrize("stages", [1, 3])
def test_forward_pass_is_the_references_through_the_import_road(shared, tmp_path, stages, training_dict):
    shapes = json.loads((shared / f"golden/network_{stages}_refinement_keys.json").read_text())
    state = {key: filled(key, tuple(shape)) for key, shape in shapes.items()}
    torch.save(
        {"state_dict": state, "iter": 7, "optimizer": {"lr": 1.0}} if training_dict else state, tmp_path / "a.pth"
    )
    network, _ = import_weights(tmp_path / "a.pth")
    image = (0.5 * np.sin(np.arange(3 * 128 * 192) * 0.113)).reshape(1, 3, 128, 192).astype(np.float32)
    with torch.inference_mode():
        found = network(torch.from_numpy(image))
    golden = np.load(shared / f"golden/network_{stages}_refinement.npz")
    assert len(found) == stages + 1
    for i, fields in enumerate(found):
        np.testing.assert_allclose(fields.heatmaps.numpy(), golden[f"stage{i}_heatmaps"], atol=1e-4, rtol=0)
        np.testing.assert_allclose(fields.pafs.numpy(), golden[f"stage{i}_pafs"], atol=1e-4, rtol=0)


@pytest.mark.parametrize("cpm", ["reference", "intel"])
def test_the_keys_decide_the_form(tmp_path, cpm):
    torch.save(reference_state(cpm=cpm), tmp_path / "a.pth")
    network, metadata = import_weights(tmp_path / "a.pth")
    assert network.options.cpm == metadata.network["cpm"] == cpm


def test_the_dequantized_intel_weights_load_whole(shared):
    network, metadata = import_weights(shared / "weights/human-pose-estimation-0001-dequantised.safetensors")
    assert network.options == NetworkOptions(cpm="intel")
    assert "Intel" in metadata.origin


def test_surplus_stages_are_dropped_on_request_only(tmp_path):
    torch.save(reference_state(stages=3), tmp_path / "a.pth")
    three, _ = import_weights(tmp_path / "a.pth")
    one, metadata = import_weights(tmp_path / "a.pth", drop_extra_stages=True)
    assert (three.options.refinement_stages, one.options.refinement_stages) == (3, 1)
    assert metadata.network["refinement_stages"] == 1
    for ours, theirs in zip(fields_of(one), fields_of(three), strict=False):
        assert torch.equal(ours.heatmaps, theirs.heatmaps)
    with pytest.raises(ModelError, match=r"surplus: refinement_stages\.2\."):
        import_weights(tmp_path / "a.pth", options=NetworkOptions(refinement_stages=1))


def test_an_own_checkpoint_may_drop_its_stages_too(tmp_path):
    network = build_network(NetworkOptions(width=0.25, refinement_stages=2), COCO_17, seed=0)
    save_checkpoint(network, ModelMetadata(skeleton=COCO_17, licence="MIT"), tmp_path / "a.safetensors")
    smaller, metadata = import_weights(tmp_path / "a.safetensors", drop_extra_stages=True)
    assert smaller.options == NetworkOptions(width=0.25, refinement_stages=1)
    assert (metadata.skeleton, metadata.licence) == (COCO_17, "MIT")


def test_keys_that_do_not_fit_are_all_listed(tmp_path):
    state = reference_state()
    del state["cpm.align.0.weight"]
    state |= {"strange": torch.zeros(1), "cpm.conv.0.bias": torch.zeros(2)}
    torch.save(state, tmp_path / "a.pth")
    with pytest.raises(ModelError) as caught:
        import_weights(tmp_path / "a.pth")
    for fault in ("missing: cpm.align.0.weight", "surplus: strange", "misshaped: cpm.conv.0.bias"):
        assert fault in str(caught.value)


def test_another_skeleton_is_a_misfit_not_a_guess(tmp_path):
    torch.save(reference_state(), tmp_path / "a.pth")
    with pytest.raises(ModelError, match=r"misshaped: initial_stage\.heatmaps\.1\.0\.weight"):
        import_weights(tmp_path / "a.pth", skeleton=COCO_17)


def imagenet_state(counters=True):
    """MobileNet v1 as its 2018 checkpoint names it: 14 layers and a classifier."""
    backbone = {key: value for key, value in reference_state().items() if key.startswith("model.")}
    late = {
        key.replace("model.11.", f"model.{i}."): value
        for i in (12, 13)
        for key, value in backbone.items()
        if key.startswith("model.11.")
    }
    state = {**backbone, **late, "fc.weight": torch.zeros(1000, 1024), "fc.bias": torch.zeros(1000)}
    return {f"module.{k}": v for k, v in state.items() if counters or not k.endswith("num_batches_tracked")}


@pytest.mark.parametrize("counters", [True, False], ids=["with counters", "older than torch 0.4.1"])
def test_imagenet_mobilenet_becomes_the_backbone_of_a_new_network(tmp_path, counters):
    state = imagenet_state(counters)
    torch.save({"epoch": 3, "arch": "mobilenet", "state_dict": state}, tmp_path / "a.pth.tar")
    network, _ = import_weights(tmp_path / "a.pth.tar", options=NetworkOptions(refinement_stages=2), seed=4)
    fresh = build_network(NetworkOptions(refinement_stages=2), HUMAN_18, seed=4).state_dict()
    for key, value in network.state_dict().items():
        expected = state.get(f"module.{key}", torch.tensor(0)) if key.startswith("model.") else fresh[key]
        assert torch.equal(value, expected), key


def test_an_imagenet_backbone_with_a_hole_is_refused(tmp_path):
    state = imagenet_state()
    del state["module.model.5.3.weight"]
    torch.save({"state_dict": state}, tmp_path / "a.pth.tar")
    with pytest.raises(ModelError, match=r"missing: model\.5\.3\.weight"):
        import_weights(tmp_path / "a.pth.tar")


def test_the_imagenet_safetensors_fit_the_backbone(shared):
    network, metadata = import_weights(shared / "weights/mobilenet_v1_imagenet_backbone.safetensors")
    assert "ImageNet" in metadata.origin
    assert float(network.state_dict()["model.0.0.weight"].abs().max()) > 1  # fresh weights stay under 0.2


class CreatesFile:
    """A pickle that runs code: unpickling it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("how", ["torch.save", "pickle"])
def test_a_pickle_that_runs_code_is_refused_and_does_not_run(tmp_path, how):
    trace, path = tmp_path / "trace", tmp_path / "a.pth"
    hostile = {"state_dict": {"x": CreatesFile(trace)}}
    if how == "torch.save":
        torch.save(hostile, path)
    else:
        path.write_bytes(pickle.dumps(hostile, protocol=2))
    with pytest.raises(ModelError, match="refused"):
        import_weights(path)
    assert not trace.exists()
    pickle.loads(pickle.dumps(CreatesFile(trace))).close()  # noqa: S301 - the trap works where nobody refuses it
    assert trace.exists()


BROKEN = {
    "empty": b"",
    "noise": bytes(range(256)) * 4,
    "text": b"<html>404</html>",
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ".pth.tar"])
def test_broken_files_are_our_error(tmp_path, suffix, content):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=str(path)):
        import_weights(path)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("nimblepose.model.importing.MAX_BYTES", 1_000_000)
    path = tmp_path / "a.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", bytes(2_000_000))
    with pytest.raises(ModelError, match="unpacks to 2000000 bytes"):
        import_weights(path)


@pytest.mark.parametrize(
    "value", [[1, 2], {"a": 1}, {"layer": torch.zeros(1)}], ids=["list", "numbers", "other network"]
)
def test_torch_files_that_hold_no_pose_network_are_refused(tmp_path, value):
    torch.save(value, tmp_path / "a.pth")
    with pytest.raises(ModelError, match="expected"):
        import_weights(tmp_path / "a.pth")


@pytest.mark.parametrize("name", ["a.onnx", "missing.pth", "missing.xml"])
def test_unknown_kinds_and_missing_files_are_named(tmp_path, name):
    with pytest.raises(ModelError, match=name):
        import_weights(tmp_path / name)
