"""Folding BatchNorm changes nothing but the number of operations."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn

from nimblepose.core.skeleton import HUMAN_18
from nimblepose.model.folding import fold_batch_norm
from nimblepose.model.network import NetworkOptions, build_network


@pytest.fixture
def network():
    """Small, with statistics that are not the identity."""
    network = build_network(NetworkOptions(width=0.25, channels=16, initial_head_channels=16), HUMAN_18, seed=0)
    generator = torch.Generator().manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2, generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
    return network


def test_the_folded_network_computes_the_same(network):
    image = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 3, 32, 48)).astype(np.float32))
    folded = fold_batch_norm(network)
    with torch.inference_mode():
        for ours, theirs in zip(folded(image), network.eval()(image), strict=True):
            torch.testing.assert_close(ours.heatmaps, theirs.heatmaps, atol=1e-5, rtol=0)
            torch.testing.assert_close(ours.pafs, theirs.pafs, atol=1e-5, rtol=0)


def test_no_batch_norm_is_left_and_the_original_is_untouched(network):
    before = {key: value.clone() for key, value in network.train().state_dict().items()}
    folded = fold_batch_norm(network)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    assert network.training
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())
