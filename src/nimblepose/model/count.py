"""Layers, parameters and multiply-accumulates (MACs) of a network by part, counted while shapes pass through."""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from nimblepose.core.errors import ModelError
from nimblepose.core.geometry import Size
from nimblepose.core.skeleton import Skeleton
from nimblepose.model.network import NetworkOptions, PoseNetwork, build_network

_STRIDE = 8
_MAX_SIDE = 8192  # input pixels


@dataclass(frozen=True, kw_only=True)
class PartCount:
    """One part of a network; `macs` for one image. One MAC is one multiplication and one addition: 2 "FLOPs"."""

    part: str
    layers: int  # convolutions
    parameters: int  # weights, biases, BatchNorm scales and shifts
    macs: int  # of convolutions; bias, BatchNorm, activation, pooling and addition are under 1 % and not counted


def count_parts(network: PoseNetwork, size: Size) -> list[PartCount]:
    """Count each part for one image of `size` (height, width) pixels; no arithmetic is done, only shapes are computed.

    Raises:
        ModelError: a side that is not a multiple of 8 in 8..8192.
    """
    if any(side % _STRIDE or not _STRIDE <= side <= _MAX_SIDE for side in size):
        raise ModelError(f"size must be two multiples of {_STRIDE} up to {_MAX_SIDE}, height and width; got {size}")
    macs: dict[nn.Module, int] = {}

    def record(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if isinstance(module, nn.Conv2d):
            per_output = module.weight[0].numel()  # in channels / groups * kernel height * kernel width
            macs[module] = macs.get(module, 0) + output.numel() * per_output

    shapes_only = copy.deepcopy(network).to("meta").eval()
    for module in shapes_only.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(record)
    with torch.no_grad():
        shapes_only(torch.empty(1, 3, *size, device="meta"))
    return [_count(name, modules, macs) for name, modules in _list_parts(shapes_only).items()]


def count_options(options: NetworkOptions, skeleton: Skeleton, size: Size) -> list[PartCount]:
    """The same for a network that is not built yet, without spending memory on its weights."""
    with torch.device("meta"):
        network = build_network(options, skeleton)
    return count_parts(network, size)


def sum_parts(parts: list[PartCount]) -> PartCount:
    """The sum of all parts."""
    return PartCount(
        part="total",
        layers=sum(part.layers for part in parts),
        parameters=sum(part.parameters for part in parts),
        macs=sum(part.macs for part in parts),
    )


def _list_parts(network: PoseNetwork) -> dict[str, list[nn.Module]]:
    """Modules by part, under the names of the paper, in the order an image passes."""
    reduction = [module for name, module in network.cpm.named_children() if name != "conv"]
    parts: dict[str, list[nn.Module]] = {
        "backbone": [network.model],
        "conv4_3": reduction,
        "conv4_4": [network.cpm.get_submodule("conv")],
        "initial stage": [network.initial_stage],
    }
    for i, stage in enumerate(network.refinement_stages, start=1):
        parts[f"refinement stage {i}"] = [stage]
    return parts


def _count(name: str, modules: list[nn.Module], macs: dict[nn.Module, int]) -> PartCount:
    convolutions = [m for module in modules for m in module.modules() if isinstance(m, nn.Conv2d)]
    return PartCount(
        part=name,
        layers=len(convolutions),
        parameters=sum(p.numel() for module in modules for p in module.parameters()),
        macs=sum(macs[convolution] for convolution in convolutions),
    )
