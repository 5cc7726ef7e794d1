import dataclasses
import hashlib
import logging
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from nimblepose import COCO_17, HUMAN_18
from nimblepose.core.errors import DownloadError, ModelError, TrainingError
from nimblepose.core.keypoint_errors import KeypointErrors
from nimblepose.core.metadata import ModelMetadata
from nimblepose.core.prior import PosePrior
from nimblepose.core.scorer import PoseScorer
from nimblepose.core.skeleton import Skeleton
from nimblepose.data.augment import AugmentOptions
from nimblepose.data.coco import load_records
from nimblepose.data.dataset import PoseDataset, SampleOptions
from nimblepose.model.checkpoint import load_checkpoint, save_checkpoint
from nimblepose.model.importing import import_weights
from nimblepose.model.network import NetworkOptions, build_network
from nimblepose.model.norms import find_identity_norms
from nimblepose.runtime import models
from nimblepose.runtime.models import PACKAGED, STARTS, ModelFile, NamedModel
from nimblepose.training.feed import normalise
from nimblepose.training.recipe_learning import choose_learning
from nimblepose.training.start import keep_stages, settle_norms, start_network

SMALL = NetworkOptions(width=0.1, channels=8, initial_head_channels=16)


@pytest.fixture
def source(tmp_path):
    network = build_network(SMALL, HUMAN_18, seed=1)
    save_checkpoint(
        network, ModelMetadata(skeleton=HUMAN_18, licence="MIT", origin="a test"), tmp_path / "a.safetensors"
    )
    return network, str(tmp_path / "a.safetensors")


def start(options, skeleton, source):
    return start_network(options, skeleton, source, paf_geometry="corner", seed=0, licence="unknown")


def test_from_scratch_is_repeatable():
    one, two = (start(SMALL, HUMAN_18, "")[0].state_dict() for _ in range(2))
    assert all((one[key] == two[key]).all() for key in one)


def test_more_stages_than_the_source_has_are_fresh_and_logged(source, caplog):
    given, path = source
    with caplog.at_level(logging.INFO):
        network, metadata = start(dataclasses.replace(SMALL, refinement_stages=3), HUMAN_18, path)
    state = network.state_dict()
    assert all((state[key] == value).all() for key, value in given.state_dict().items())
    assert "stay fresh" in caplog.text
    assert metadata.licence == "MIT"
    assert "a.safetensors" in metadata.origin


def test_other_pafs_are_said_where_they_are_taken_over(source, caplog):
    """Of another skeleton none are."""
    for skeleton, count in ((HUMAN_18, 1), (COCO_17, 0)):
        caplog.clear()
        start_network(SMALL, skeleton, source[1], paf_geometry="centre", seed=0, licence="unknown")
        assert caplog.text.count("has learnt PAFs drawn from the cell's corner") == count


def test_another_skeleton_keeps_all_but_the_heads(source):
    given, path = source
    network, metadata = start(SMALL, COCO_17, path)
    same = [k for k, v in given.state_dict().items() if v.shape == network.state_dict()[k].shape]
    equal = {k for k in same if (network.state_dict()[k] == given.state_dict()[k]).all()}
    assert {k for k in given.state_dict() if k.startswith(("model.", "cpm."))} <= equal
    assert not any(".heatmaps." in k and "weight" in k for k in equal)
    assert metadata.skeleton == COCO_17


def test_what_was_learnt_of_poses_goes_where_it_still_holds(source):
    """The prior with the same keypoints, the scorer nowhere: the weights are about to change."""
    given, path = source
    prior = PosePrior(np.zeros((18, 2)), np.eye(36))
    scorer = PoseScorer(np.zeros(24), np.ones(24), np.zeros((24, 2)), np.zeros(2), np.zeros(2), np.zeros(1))
    errors = KeypointErrors(np.zeros((18, 3)), np.zeros(4))
    save_checkpoint(given, ModelMetadata(skeleton=HUMAN_18, prior=prior, scorer=scorer, errors=errors), path)
    same, other = start(SMALL, HUMAN_18, path)[1], start(SMALL, COCO_17, path)[1]
    assert (same.prior is None, same.scorer, same.errors) == (False, None, None)
    assert (other.prior, other.scorer) == (None, None)


@pytest.mark.parametrize("height", [None, 200])
def test_the_height_is_that_of_the_recipe_whatever_the_start_was_made_for(source, height):
    given, path = source
    save_checkpoint(given, ModelMetadata(skeleton=HUMAN_18, input_height=96), path)
    for name in ("", path):
        _, metadata = start_network(
            SMALL, HUMAN_18, name, paf_geometry="corner", seed=0, licence="unknown", input_height=height
        )
        assert metadata.input_height == height


def test_another_kind_of_network_is_an_error(source):
    with pytest.raises(TrainingError, match="another kind of network") as caught:
        start(dataclasses.replace(SMALL, channels=16, refinement_stages=2), HUMAN_18, source[1])
    said = str(caught.value)
    assert "it has channels 8, and the recipe's network channels 16; write `network: {channels: 8}`" in said
    assert "NetworkOptions" not in said
    assert "refinement_stages" not in said, "of which it may have fewer"


def test_what_the_message_says_to_write_makes_the_start_fit(source):
    with pytest.raises(TrainingError) as caught:
        start(NetworkOptions(width=0.25, cpm="intel"), HUMAN_18, source[1])
    written = yaml.safe_load(re.search(r"`(network: .*?)`", str(caught.value))[1])["network"]
    assert written == {"width": 0.1, "cpm": "reference", "channels": 8, "initial_head_channels": 16}
    start(NetworkOptions(**written), HUMAN_18, source[1])


def test_public_weights_and_imagenet_backbones_are_a_start(shared):
    intel = NetworkOptions(cpm="intel")
    full, _ = start(intel, HUMAN_18, str(shared / "weights/human-pose-estimation-0001-dequantised.safetensors"))
    backbone, _ = start(intel, HUMAN_18, str(shared / "weights/mobilenet_v1_imagenet_backbone.safetensors"))
    fresh = build_network(intel, HUMAN_18, seed=0).state_dict()
    assert not any((full.state_dict()[k] == fresh[k]).all() for k in fresh if k.endswith(".0.weight") and k in fresh)
    assert (backbone.state_dict()["model.0.0.weight"] != fresh["model.0.0.weight"]).any()


def test_public_weights_start_a_network_of_another_skeleton(shared):
    path = str(shared / "weights/human-pose-estimation-0001-dequantised.safetensors")
    network, metadata = start(NetworkOptions(cpm="intel", refinement_stages=2), COCO_17, path)
    human, _ = start(NetworkOptions(cpm="intel"), HUMAN_18, path)
    taken, given = network.state_dict(), human.state_dict()
    assert all((taken[key] == given[key]).all() for key in given if key.startswith(("model.", "cpm.")))
    assert metadata.skeleton == COCO_17


def test_shipped_drops_the_last_stages_and_computes_the_same():
    network = build_network(dataclasses.replace(SMALL, refinement_stages=3), HUMAN_18, seed=0).eval()
    small = keep_stages(network, 1)
    image = torch.rand(1, 3, 64, 64)
    assert small.options.refinement_stages == 1
    torch.testing.assert_close(small(image)[-1].pafs, network(image)[1].pafs)
    with pytest.raises(TrainingError):
        keep_stages(network, 4)


def test_a_start_may_be_named_and_is_fetched(source, monkeypatch):
    given, path = source
    asked = []
    monkeypatch.setattr("nimblepose.training.start.find_model", lambda name: asked.append(name) or Path(path))
    network, metadata = start(SMALL, HUMAN_18, "human-pose-estimation-0001")
    assert asked == ["human-pose-estimation-0001"]
    assert all((network.state_dict()[key] == tensor).all() for key, tensor in given.state_dict().items())
    assert metadata.origin.startswith("trained from human-pose-estimation-0001")


def test_a_start_is_fetched_once_by_its_checksum(source, web_server, monkeypatch, tmp_path):
    """By the road of named models, from a server on this machine."""
    given, path = source
    content = Path(path).read_bytes()
    web_server.pages["/quarter.safetensors"] = content
    file = ModelFile(f"{web_server.address}/quarter.safetensors", len(content), hashlib.sha384(content).hexdigest())
    monkeypatch.setitem(models.MODELS, "quarter", NamedModel("quarter", "a test", "Apache-2.0", (file,)))
    monkeypatch.setenv(models.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.delenv(models.OFFLINE_VARIABLE, raising=False)
    for _ in range(2):
        network, _ = start(SMALL, COCO_17, "quarter")
        assert (network.state_dict()["model.0.0.weight"] == given.state_dict()["model.0.0.weight"]).all()
    assert web_server.requests == ["/quarter.safetensors"]
    web_server.pages["/quarter.safetensors"] = content[:-1] + bytes([content[-1] ^ 1])
    (tmp_path / "cache/quarter/quarter.safetensors").unlink()
    with pytest.raises(DownloadError, match="quarter"):
        start(SMALL, COCO_17, "quarter")


def test_who_misspells_a_name_is_told_them(tmp_path):
    with pytest.raises(ModelError, match=r"no file .*creature-0250.*creature-025, "):
        start(SMALL, HUMAN_18, str(tmp_path / "creature-0250"))


@pytest.mark.parametrize("name", [*STARTS])
def test_starts_of_the_package_fit_what_data_recipe_builds(name):
    """Whole, for commercial use, and all but what depends on the skeleton is theirs."""
    lines = {choice.key: choice.value for choice in choose_learning(40, (224, 224))}
    options = NetworkOptions(**{key.partition(".")[2]: lines[key] for key in lines if key.startswith("network.")})
    skeleton = Skeleton("pair", ("a", "b"), (("a", "b"),))
    network, metadata = start(options, skeleton, name)
    given, origin = load_checkpoint(STARTS[name].path)
    taken, theirs = network.state_dict(), given.state_dict()
    assert STARTS[name].is_intact()
    assert STARTS[name].path.stat().st_size < 1_000_000
    assert {key for key in theirs if key.startswith(("model.", "cpm."))} <= {
        key for key in theirs if taken[key].shape == theirs[key].shape and (taken[key] == theirs[key]).all()
    }
    assert (metadata.licence, origin.paf_geometry) == ("Apache-2.0", "centre")
    assert name in metadata.origin


def test_a_damaged_package_is_named(monkeypatch, tmp_path):
    name = next(iter(STARTS))
    (tmp_path / STARTS[name].file).write_bytes(b"cut")
    monkeypatch.setattr(models, "_WEIGHTS", tmp_path)
    with pytest.raises(ModelError, match="install nimblepose again"):
        start(SMALL, HUMAN_18, name)


def test_the_packaged_model_in_8_bits_is_a_start(pictures):
    """Its norms, which were folded away, get the statistics of samples, and it goes on computing what it did."""
    pytest.importorskip("onnx")
    skeleton = Skeleton.load(pictures / "creature.yaml")
    network, metadata = start(NetworkOptions(cpm="intel"), skeleton, "human")
    packaged, _ = import_weights(PACKAGED["human"].path)
    assert (network.state_dict()["model.3.0.weight"] == packaged.state_dict()["model.3.0.weight"]).all()
    assert metadata.origin.startswith("trained from human")
    assert (metadata.prior, metadata.scorer, metadata.input.dtype) == (None, None, "float32")
    options = SampleOptions(size=(64, 64), augment=AugmentOptions(centre="picture", relative_to="picture", fill=1.0))
    records = load_records([pictures / "annotations.json"], [pictures / "images"], skeleton)
    dataset = PoseDataset(records, skeleton, options, seed=0)
    seen = normalise(torch.cat([dataset[i].image for i in range(12)]), metadata.input)
    before = network.eval()(seen)[-1].heatmaps
    settle_norms(network, metadata, dataset, (64, 64))
    assert not [*find_identity_norms(network)]
    torch.testing.assert_close(network(seen)[-1].heatmaps, before, atol=1e-4, rtol=1e-3)
    off = (network.train()(seen)[-1].heatmaps - before).abs().mean()
    assert off < 0.1 * before.abs().mean(), "training begins where the model stands"
