"""The mean of checkpoints is that of their weights, and only of checkpoints that fit."""

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from nimblepose.core.errors import ModelError
from nimblepose.core.keypoint_errors import KeypointErrors
from nimblepose.core.metadata import InputSpec, ModelMetadata
from nimblepose.core.prior import PosePrior
from nimblepose.core.scorer import PoseScorer
from nimblepose.core.skeleton import COCO_17, HUMAN_18
from nimblepose.model.checkpoint import save_checkpoint
from nimblepose.model.mixing import mix_checkpoints
from nimblepose.model.network import NetworkOptions, build_network

OPTIONS = NetworkOptions(width=0.25, channels=16, initial_head_channels=16)


@pytest.fixture
def write(tmp_path):
    """Write a checkpoint of fresh weights, and return its path and its weights."""

    def write(seed, *, skeleton=COCO_17, options=OPTIONS, **facts):
        network = build_network(options, skeleton, seed=seed)
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.fill_(seed)
                module.num_batches_tracked.fill_(seed)
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.safetensors"
        save_checkpoint(network, ModelMetadata(skeleton=skeleton, **facts), path)
        return path, network.state_dict()

    return write


def test_each_tensor_is_the_weighted_mean(write):
    (a, first), (b, second) = write(1, origin="start", licence="MIT"), write(2, origin="run", licence="Apache-2.0")
    network, metadata = mix_checkpoints([a, b], [0.75, 0.25])
    for key, tensor in network.state_dict().items():
        expected = 0.75 * first[key] + 0.25 * second[key] if tensor.is_floating_point() else first[key]
        torch.testing.assert_close(tensor, expected)
    assert metadata.origin == "mean: 0.75 (start) + 0.25 (run)"
    assert metadata.licence == "MIT AND Apache-2.0"
    assert metadata.network == OPTIONS.to_dict()


def test_what_poses_look_like_stays_and_what_one_networks_poses_are_worth_does_not(write):
    prior = PosePrior(np.zeros((17, 2)), np.eye(34))
    scorer = PoseScorer(np.zeros(23), np.ones(23), np.zeros((23, 2)), np.zeros(2), np.zeros(2), np.zeros(1))
    errors = KeypointErrors(np.zeros((17, 3)), np.zeros(4))
    (a, _), (b, _) = write(1, prior=prior, scorer=scorer, errors=errors), write(2)
    _, metadata = mix_checkpoints([a, b])
    assert metadata.prior is not None
    assert metadata.scorer is metadata.errors is None


def test_without_shares_all_count_the_same(write):
    paths, states = zip(*(write(seed) for seed in (1, 2, 4)), strict=True)
    network, _ = mix_checkpoints(paths)
    key = "model.0.0.weight"
    torch.testing.assert_close(network.state_dict()[key], sum(state[key] for state in states) / 3)


@pytest.mark.parametrize(
    ("facts", "named"),
    [
        ({"skeleton": HUMAN_18}, "skeleton"),
        ({"input": InputSpec(channels="rgb")}, "input"),
        ({"paf_geometry": "centre"}, "paf_geometry"),
        ({"options": dataclasses.replace(OPTIONS, refinement_stages=2)}, "network"),
    ],
)
def test_checkpoints_that_differ_are_refused(write, facts, named):
    with pytest.raises(ModelError, match=rf"1\.safetensors has another .*{named}.* than .*0\.safetensors"):
        mix_checkpoints([write(1)[0], write(2, **facts)[0]])


@pytest.mark.parametrize("shares", [[0.5], [0.5, 0.6], [1.0, 0.0, 0.0]])
def test_shares_must_fit(write, shares):
    with pytest.raises(ModelError, match="share"):
        mix_checkpoints([write(1)[0], write(2)[0]], shares)


def test_one_is_no_mean(write):
    with pytest.raises(ModelError, match="two checkpoints"):
        mix_checkpoints([write(1)[0]])
