import dataclasses
import logging
from pathlib import Path

import numpy as np
import pytest
import torch

from nimblepose import COCO_17, HUMAN_18
from nimblepose.core.errors import ModelError, TrainingError
from nimblepose.core.keypoint_errors import KeypointErrors
from nimblepose.core.metadata import ModelMetadata
from nimblepose.core.prior import PosePrior
from nimblepose.core.scorer import PoseScorer
from nimblepose.model.checkpoint import save_checkpoint
from nimblepose.model.network import NetworkOptions, build_network
from nimblepose.training.start import keep_stages, start_network

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


def test_another_kind_of_network_is_an_error(source):
    with pytest.raises(TrainingError, match="another kind of network"):
        start(dataclasses.replace(SMALL, channels=16), HUMAN_18, source[1])


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
    with pytest.raises(ModelError, match="8 bits"):
        start(SMALL, HUMAN_18, "human")
