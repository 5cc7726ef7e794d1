"""Parameter groups of the paper, the learning rate as a function of the step, averaged weights, frozen layers."""

import functools
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from nimblepose.core.errors import TrainingError
from nimblepose.model.folding import find_normalised_convolutions
from nimblepose.model.network import PoseNetwork

_SMALLEST = 0.01  # size that a tensor is taken to have at least, so that biases of zero can move


@dataclass(frozen=True, kw_only=True)
class OptimizerOptions:
    """Adam as in the paper. Weight decay spares biases, BatchNorm and depthwise weights."""

    name: Literal["adam", "adamw"] = "adam"
    learning_rate: float = 4e-5  # of backbone and channel reduction; the schedule multiplies it
    weight_decay: float = 5e-4
    bias_factor: float = 2.0  # on the learning rate of biases, those of BatchNorm too
    refinement_factor: float = 4.0  # on the learning rate of the refinement stages' convolutions
    relative: bool = False  # every tensor's rate also takes the root mean square of the weights it starts with
    clip: float = 0.0  # largest norm of the gradient; 0: not clipped

    def __post_init__(self) -> None:
        """Refuse rates that cannot be."""
        if self.learning_rate <= 0 or min(self.weight_decay, self.clip) < 0:
            raise TrainingError(f"learning_rate must be positive, weight_decay and clip not negative: {self}")


@dataclass(frozen=True, kw_only=True)
class ScheduleOptions:
    """How the learning rate moves over the steps of a phase."""

    steps: int = 1000
    kind: Literal["steps", "cosine", "constant"] = "steps"
    milestones: tuple[float, ...] = ()  # fractions of `steps` at which the rate is multiplied by `gamma`
    gamma: float = 0.333
    warmup_steps: int = 0  # the rate grows from nothing over so many steps
    final: float = 0.01  # of the rate, at the end of a cosine

    def __post_init__(self) -> None:
        """Refuse contradictions."""
        if self.steps < 1 or not 0 <= self.warmup_steps < self.steps:
            raise TrainingError(
                f"schedule: steps must be positive, warmup_steps fewer: {self.steps}, {self.warmup_steps}"
            )
        if self.milestones and self.kind != "steps":
            raise TrainingError(
                f"schedule: milestones belong to kind 'steps', not {self.kind!r}; leave one of them out"
            )
        if list(self.milestones) != sorted(set(self.milestones)) or not all(0 < m < 1 for m in self.milestones):
            raise TrainingError(
                f"schedule: milestones must rise between 0 and 1 (fractions of steps): {self.milestones}"
            )


def compute_rate_factor(step: int, options: ScheduleOptions) -> float:
    """What the learning rate is multiplied by at a step, counted from 0.

    >>> schedule = ScheduleOptions(steps=10, milestones=(0.5,), gamma=0.1, warmup_steps=2)
    >>> [compute_rate_factor(step, schedule) for step in (0, 1, 4, 5)]
    [0.5, 1.0, 1.0, 0.1]
    """
    warmup = min(1.0, (step + 1) / options.warmup_steps) if options.warmup_steps else 1.0
    if options.kind == "constant":
        return warmup
    if options.kind == "steps":
        return float(warmup * options.gamma ** sum(step >= m * options.steps for m in options.milestones))
    done = max(0, step - options.warmup_steps) / max(1, options.steps - options.warmup_steps)
    return warmup * (options.final + (1 - options.final) * (1 + math.cos(math.pi * min(1.0, done))) / 2)


def group_parameters(network: PoseNetwork, options: OptimizerOptions) -> list[dict[str, Any]]:
    """Trainable parameters by learning rate and weight decay; each group remembers its factor.

    Adam moves all weights equally far per step. In a trained network depthwise weights may be a hundred times as large
    as dense ones and then hardly change; relative rates change every tensor by the same part of itself.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for prefix, module in network.named_modules():
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.requires_grad:
                factor, decay = _treat(prefix, module, name, options)
                if options.relative:
                    factor *= max(float(parameter.detach().square().mean().sqrt()), _SMALLEST)
                groups.setdefault((factor, decay), []).append(parameter)
    return [
        {"params": parameters, "lr": options.learning_rate * factor, "weight_decay": decay, "factor": factor}
        for (factor, decay), parameters in groups.items()
    ]


def _treat(prefix: str, module: nn.Module, name: str, options: OptimizerOptions) -> tuple[float, float]:
    """(Factor on the learning rate, weight decay) of one parameter: the table of the paper's training."""
    bias = options.bias_factor if name == "bias" else 1.0
    if not isinstance(module, nn.Conv2d):  # BatchNorm
        return bias, 0.0
    refinement = options.refinement_factor if prefix.startswith("refinement_stages") else 1.0
    spared = name == "bias" or module.groups > 1
    return bias * refinement, 0.0 if spared else options.weight_decay


def build_optimizer(network: PoseNetwork, options: OptimizerOptions) -> torch.optim.Optimizer:
    """Adam or AdamW over the groups.

    Raises:
        TrainingError: nothing is left to train.
    """
    groups = group_parameters(network, options)
    if not groups:
        raise TrainingError("every parameter is frozen, so there is nothing to train; shorten `freeze`")
    kind = torch.optim.Adam if options.name == "adam" else torch.optim.AdamW
    return kind(groups, lr=options.learning_rate)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give every group its factor of the base rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["factor"]


class MovingAverage:
    """Exponential moving average of a network's weights; BatchNorm statistics are taken as they are.

    In the first steps the average is short (the usual (1 + n) / (10 + n)), so that fresh weights do not linger.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay, self.updates = decay, 0
        self.weights = {key: tensor.detach().clone() for key, tensor in network.state_dict().items()}
        self._learned = {key for key, _ in network.named_parameters()}

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Move towards the network's present weights."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for key, tensor in network.state_dict().items():
            if key in self._learned:
                self.weights[key].lerp_(tensor.detach(), 1 - decay)
            else:
                self.weights[key].copy_(tensor)

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint."""
        return {"updates": self.updates, "weights": self.weights}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """From the checkpoint."""
        self.updates = int(state["updates"])
        for key, tensor in state["weights"].items():
            self.weights[key].copy_(tensor)


@contextmanager
def apply_average(network: nn.Module, average: MovingAverage | None) -> Iterator[None]:
    """For as long as it lasts, the network has the averaged weights (if there is an average)."""
    if average is None:
        yield
        return
    kept = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    network.load_state_dict(average.weights)
    try:
        yield
    finally:
        network.load_state_dict(kept)


def freeze(network: nn.Module, prefixes: Iterable[str]) -> None:
    """Stop the training of every parameter whose name begins with one of the dotted prefixes.

    Raises:
        TrainingError: a prefix names nothing.
    """
    for prefix in prefixes:
        chosen = [p for name, p in network.named_parameters() if name == prefix or name.startswith(f"{prefix}.")]
        if not chosen:
            parts = ", ".join(name for name, _ in network.named_children())
            raise TrainingError(f"freeze: no parameter's name begins with {prefix!r}; the parts are {parts}")
        for parameter in chosen:
            parameter.requires_grad_(False)


def set_train_mode(network: nn.Module, *, frozen_batch_norm: bool) -> None:
    """Training mode; frozen parts, and all BatchNorm if asked for, keep the statistics they have."""
    network.train()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d | nn.SyncBatchNorm):
            still = frozen_batch_norm or not module.weight.requires_grad
            module.train(not still)


def fuse_frozen_norms(network: nn.Module) -> None:
    """Let every convolution do the work of the frozen BatchNorm behind it: the same function, with the same gradients.

    A BatchNorm whose statistics stand still is a gain and an offset per channel. Put into the weights, a few thousand
    numbers are multiplied per step and not every activation, forward and backward. Parameters keep their names. A fused
    norm takes no part any more: it has no training mode.
    """
    for _, _, layer, norm in find_normalised_convolutions(network):
        layer.forward = functools.partial(_convolve_fused, layer, norm)  # type: ignore[method-assign]
        norm.forward = _pass_on  # type: ignore[assignment,method-assign]


def _convolve_fused(layer: nn.Conv2d, norm: nn.BatchNorm2d, x: Tensor) -> Tensor:
    """Norm(layer(x)) by the statistics that the norm has."""
    gain = norm.weight * (torch.as_tensor(norm.running_var) + norm.eps).rsqrt()
    mean = torch.as_tensor(norm.running_mean)
    middle = mean if layer.bias is None else mean - layer.bias
    weight = layer.weight * gain[:, None, None, None]
    return nn.functional.conv2d(
        x, weight, norm.bias - middle * gain, layer.stride, layer.padding, layer.dilation, layer.groups
    )


def _pass_on(x: Tensor) -> Tensor:
    """What is left for the norm to do."""
    return x
