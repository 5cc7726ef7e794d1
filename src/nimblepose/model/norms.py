"""Statistics for BatchNorm that has none, because it came back from a file in which it was folded away."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

_CLOSE = 1e-7  # half of float32's step below 1


def find_identity_norms(network: nn.Module) -> Iterator[nn.BatchNorm2d]:
    """Every BatchNorm whose statistics are those of readers of folded files: mean 0, variance 1 - eps.

    Fresh ones have variance 1, those that have learnt have others.
    """
    for module in network.modules():
        if not isinstance(module, nn.BatchNorm2d) or module.running_mean is None or module.running_var is None:
            continue
        if not module.running_mean.any() and bool(((module.running_var - (1 - module.eps)).abs() < _CLOSE).all()):
            yield module


@torch.no_grad()
def measure_norms(network: nn.Module, pictures: Tensor) -> int:
    """Give every identity norm the statistics of what passes through it, and gain and offset that undo them, in place.

    In evaluation mode the network computes what it did. In training mode, where a batch's own statistics are used, it
    nearly does: with identities, everything would be scaled to variance 1.

    Args:
        network: Any; only its identity norms change.
        pictures: (B, 3, H, W) float, as the network expects them.

    Returns:
        How many were measured.
    """
    norms = list(find_identity_norms(network))
    handles = [norm.register_forward_pre_hook(_measure) for norm in norms]
    training = network.training
    try:
        network.eval()(pictures)
    finally:
        network.train(training)
        for handle in handles:
            handle.remove()
    return len(norms)


def _measure(norm: nn.Module, inputs: tuple[Any, ...]) -> None:
    """(x - m) / sqrt(v + eps) * w sqrt(v + eps) + (b + w m) = w x + b."""
    (x,) = inputs
    if not isinstance(norm, nn.BatchNorm2d) or norm.running_mean is None or norm.running_var is None:
        return
    variance, mean = torch.var_mean(x.float(), dim=(0, 2, 3), correction=0)
    norm.bias.add_(norm.weight * mean)
    norm.weight.mul_((variance + norm.eps).sqrt())
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
