"""A narrower copy of a trained network: a faster one that need not be trained from scratch."""

import dataclasses
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from nimblepose.core.errors import ModelError
from nimblepose.model.network import PoseNetwork, build_network

_RIDGE = 1e-4  # of the mean variance of a layer's inputs, added to each, so that channels that never fire can go


@torch.no_grad()
def narrow(
    network: PoseNetwork, width: float, pictures: Iterable[Tensor], *, refinement_stages: int | None = None
) -> PoseNetwork:
    """Leave out the channels of a MobileNet backbone that the others can stand in for best, and stages at the end.

    Every 1x1 convolution loses the inputs whose removal changes its output least when its other weights make up for it
    as well as they can (the optimal brain surgeon of Hassibi and Stork 1992, for the least squares of one layer).
    What is left out of the backbone's output the channel reduction makes up for in the same way.

    Args:
        network: Trained, with a MobileNet backbone.
        width: Of the copy's backbone, less than the network's.
        pictures: Batches (B, 3, H, W) as the network takes them, on which the layers are looked at; a few dozen
            pictures do.
        refinement_stages: How many of them the copy keeps, the first ones; None: all.

    Raises:
        ModelError: another backbone, or nothing to leave out.
    """
    options = network.options
    stages = options.refinement_stages if refinement_stages is None else refinement_stages
    if options.backbone != "mobilenet":
        raise ModelError(f"only MobileNet backbones can be made narrower, not {options.backbone}")
    if not 0 < width <= options.width or not 0 <= stages <= options.refinement_stages:
        raise ModelError(
            f"a copy of width {width:g} with {stages} refinement stages is not smaller than the network of width "
            f"{options.width:g} with {options.refinement_stages}"
        )
    copy = build_network(dataclasses.replace(options, width=width, refinement_stages=stages), network.skeleton, seed=0)
    blocks, small = list(network.model), list(copy.model)
    consumers = [block[3] for block in blocks[1:]] + [network.cpm.align[0]]  # of each block's output
    means, covariances = _moments(network.eval(), consumers, pictures)

    state = dict(network.state_dict())  # with weights that make up for the inputs they will not have
    kept: list[Tensor] = []
    for i, (consumer, mean, covariance) in enumerate(zip(consumers, means, covariances, strict=True)):
        last = i + 1 == len(consumers)
        weight = consumer.weight[..., 0, 0].double()
        gain = torch.ones(len(weight), 1, dtype=torch.float64) if last else _gain(blocks[i + 1][4])[:, None]
        chosen, rest = _without(weight * gain, covariance, small[i][-2].num_features)
        rest /= gain
        kept.append(chosen)
        lost = (weight @ mean - rest @ mean[chosen]).float()  # of the output's mean
        if last:
            state["cpm.align.0.weight"] = rest[..., None, None].float()
            state["cpm.align.0.bias"] = state["cpm.align.0.bias"] + lost
        else:
            state[f"model.{i + 1}.3.weight"] = rest[..., None, None].float()
            state[f"model.{i + 1}.4.running_mean"] = state[f"model.{i + 1}.4.running_mean"] - lost
    for i, chosen in enumerate(kept):  # of each block's output: its last convolution, the next one's first
        ends, begins = ("0.", "1.") if i == 0 else ("3.", "4."), ("0.", "1.")
        for prefix in [f"model.{i}.{part}" for part in ends] + [f"model.{i + 1}.{part}" for part in begins]:
            for key in [key for key in state if key.startswith(prefix) and state[key].ndim]:
                state[key] = state[key][chosen]
    copy.load_state_dict({key: state[key] for key in copy.state_dict()})
    return copy.eval()


def _gain(norm: nn.BatchNorm2d) -> Tensor:
    """What a BatchNorm multiplies its input by."""
    variance = torch.as_tensor(norm.running_var)
    return (norm.weight.abs() / (variance + norm.eps).sqrt()).double().clamp(min=1e-6)


def _moments(
    network: PoseNetwork, layers: Sequence[nn.Conv2d], pictures: Iterable[Tensor]
) -> tuple[list[Tensor], list[Tensor]]:
    """Mean and covariance of every layer's inputs over all places of all pictures."""
    sums = [torch.zeros(layer.in_channels, dtype=torch.float64) for layer in layers]
    squares = [torch.zeros(layer.in_channels, layer.in_channels, dtype=torch.float64) for layer in layers]
    counts = [0] * len(layers)

    def look(number: int, inputs: tuple[Tensor, ...]) -> None:
        rows = inputs[0].movedim(1, -1).flatten(0, -2)
        counts[number] += len(rows)
        sums[number] += rows.sum(0).double().cpu()
        squares[number] += (rows.T @ rows).double().cpu()

    hooks = [
        layer.register_forward_pre_hook(lambda _, inputs, number=i: look(number, inputs))
        for i, layer in enumerate(layers)
    ]
    try:
        for batch in pictures:
            network(batch)
    finally:
        for hook in hooks:
            hook.remove()
    if not all(counts):
        raise ModelError("no pictures to look at the network's layers on")
    means = [total / count for total, count in zip(sums, counts, strict=True)]
    return means, [s / c - torch.outer(m, m) for s, c, m in zip(squares, counts, means, strict=True)]


def _without(weight: Tensor, covariance: Tensor, left: int) -> tuple[Tensor, Tensor]:
    """Remove inputs of a linear layer, one by one the cheapest, until `left` are left.

    Args:
        weight: (outputs, inputs).
        covariance: (inputs, inputs).
        left: How many to keep.

    Returns:
        The kept inputs in order, (left,), and the weights that make up for the others, (outputs, left).
    """
    weight = weight.clone()
    ridge = _RIDGE * covariance.diagonal().mean() * torch.eye(len(covariance), dtype=torch.float64)
    inverse = torch.linalg.inv(covariance + ridge)
    alive = torch.ones(len(covariance), dtype=torch.bool)
    for _ in range(len(covariance) - left):
        cost = weight.square().sum(0) / inverse.diagonal()
        worst = int(torch.where(alive, cost, torch.inf).argmin())
        row, pivot = inverse[worst].clone(), inverse[worst, worst].clone()
        weight -= torch.outer(weight[:, worst], row / pivot)
        inverse -= torch.outer(row, row / pivot)
        alive[worst] = False
        inverse[worst, worst] = 1.0  # it is out; keeps the division above finite
    chosen = alive.nonzero()[:, 0]
    return chosen, weight[:, chosen]
