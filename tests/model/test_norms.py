import torch
from torch import nn

from nimblepose.model.norms import find_identity_norms, measure_norms


def build(eps=1e-5):
    """Two layers; the norm of the first came back as an identity, that of the second has learnt."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4))
    network.train()(torch.rand(8, 3, 16, 16))
    with torch.no_grad():
        network[1].running_mean.zero_()
        network[1].running_var.fill_(1 - eps)
        network[1].weight.copy_(torch.rand(4) + 0.5)
        network[1].bias.copy_(torch.rand(4))
    return network.eval()


def test_only_identities_are_found():
    network = build()
    assert [*find_identity_norms(network)] == [network[1]]
    assert not [*find_identity_norms(nn.BatchNorm2d(4))], "a fresh one is none"


def test_measured_norms_compute_the_same_and_stand_training():
    network, pictures = build(), 3 * torch.rand(16, 3, 16, 16) - 1
    before = network(pictures)
    learnt = network[4].running_mean.clone()
    spoiled = network.train()(pictures)
    network = build()
    assert measure_norms(network, pictures) == 1
    assert not [*find_identity_norms(network)]
    assert not network.training, "left as it was"
    torch.testing.assert_close(network(pictures), before, atol=1e-5, rtol=1e-4)
    assert torch.equal(network[4].running_mean, learnt), "the other one stays"
    network[4].train(False)
    network[1].train(True)
    torch.testing.assert_close(network(pictures), before, atol=1e-3, rtol=1e-3)
    assert (spoiled - before).abs().max() > 0.1, "an identity's training mode is another function"
