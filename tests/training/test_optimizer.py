import copy

import pytest
import torch

from nimblepose import HUMAN_18
from nimblepose.core.errors import TrainingError
from nimblepose.model.network import NetworkOptions, build_network
from nimblepose.training.optimizer import (
    MovingAverage,
    OptimizerOptions,
    ScheduleOptions,
    apply_average,
    build_optimizer,
    compute_rate_factor,
    freeze,
    fuse_frozen_norms,
    group_parameters,
    set_rate,
    set_train_mode,
)

SMALL = NetworkOptions(width=0.1, channels=8, initial_head_channels=16)


@pytest.fixture
def network():
    return build_network(SMALL, HUMAN_18, seed=0)


PAPER = {  # factor on the learning rate, weight decay
    "model.0.0.weight": (1, 5e-4),  # convolution
    "model.1.0.weight": (1, 0),  # depthwise
    "model.1.3.weight": (1, 5e-4),  # pointwise
    "model.1.1.weight": (1, 0),  # BatchNorm
    "model.1.1.bias": (2, 0),
    "cpm.align.0.weight": (1, 5e-4),
    "cpm.align.0.bias": (2, 0),
    "cpm.trunk.0.0.weight": (1, 0),  # depthwise
    "initial_stage.trunk.0.0.weight": (1, 5e-4),
    "initial_stage.trunk.0.0.bias": (2, 0),
    "refinement_stages.0.trunk.0.initial.0.weight": (4, 5e-4),
    "refinement_stages.0.trunk.0.initial.0.bias": (8, 0),
    "refinement_stages.0.trunk.0.trunk.0.1.weight": (1, 0),  # BatchNorm
    "refinement_stages.0.trunk.0.trunk.0.1.bias": (2, 0),
}


@pytest.mark.parametrize("name", PAPER)
def test_parameter_groups_are_the_papers(network, name):
    parameter = dict(network.named_parameters())[name]
    options = OptimizerOptions(learning_rate=1.0)
    (group,) = [g for g in group_parameters(network, options) if any(p is parameter for p in g["params"])]
    assert (group["lr"], group["weight_decay"]) == PAPER[name]


def test_every_parameter_is_in_one_group(network):
    grouped = [p for group in group_parameters(network, OptimizerOptions()) for p in group["params"]]
    assert len(grouped) == len({id(p) for p in grouped}) == len(list(network.parameters()))


def test_the_rate_reaches_every_group_by_its_factor(network):
    optimizer = build_optimizer(network, OptimizerOptions())
    set_rate(optimizer, 0.5)
    assert {group["lr"] for group in optimizer.param_groups} == {0.5, 1.0, 2.0, 4.0}


def test_relative_rates_change_every_tensor_by_the_same_part_of_itself(network):
    parameters = dict(network.named_parameters())
    large, small, zero = (parameters[name] for name in ("model.1.0.weight", "cpm.align.0.weight", "cpm.align.0.bias"))
    with torch.no_grad():
        large.fill_(7)
        small.fill_(-0.03)
        zero.zero_()
    optimizer = build_optimizer(network, OptimizerOptions(relative=True, bias_factor=1, weight_decay=0))
    set_rate(optimizer, 1e-3)
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    torch.testing.assert_close(large, torch.full_like(large, 7 * (1 - 1e-3)))
    torch.testing.assert_close(small, torch.full_like(small, -0.03 * (1 + 1e-3)))
    assert (zero != 0).all()


def test_schedules():
    cosine = ScheduleOptions(steps=100, kind="cosine", warmup_steps=10, final=0.1)
    rates = [compute_rate_factor(step, cosine) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(1.0)
    assert rates[99] == pytest.approx(0.1, abs=0.01)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    paper = ScheduleOptions(steps=280, milestones=(100 / 280, 200 / 280, 260 / 280))
    assert [round(compute_rate_factor(s, paper), 4) for s in (99, 100, 199, 200, 259, 260)] == [
        1, 0.333, 0.333, 0.1109, 0.1109, 0.0369
    ]  # fmt: skip


def test_frozen_parts_do_not_move_and_a_typo_is_an_error(network):
    freeze(network, ["model", "cpm"])
    free = {name.split(".")[0] for name, p in network.named_parameters() if p.requires_grad}
    assert free == {"initial_stage", "refinement_stages"}
    with pytest.raises(TrainingError, match="no parameter's name begins with 'backbone'; the parts are model"):
        freeze(network, ["backbone"])
    freeze(network, ["initial_stage", "refinement_stages"])
    with pytest.raises(TrainingError, match="nothing to train"):
        build_optimizer(network, OptimizerOptions())


@pytest.mark.parametrize("frozen", [True, False])
def test_frozen_batch_norm_keeps_its_statistics(network, frozen):
    freeze(network, ["model"])
    before = {key: value.clone() for key, value in network.state_dict().items() if "running_mean" in key}
    set_train_mode(network, frozen_batch_norm=frozen)
    network(torch.rand(2, 3, 64, 64))
    moved = {key for key, value in network.state_dict().items() if key in before and (value != before[key]).any()}
    refinement = {key for key in before if key.startswith("refinement_stages")}
    assert moved == (set() if frozen else refinement)  # that of frozen parts never moves


def test_the_moving_average_follows_and_lends_itself(network):
    average = MovingAverage(network, 0.9)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(1.0)
    average.update(network)
    name, parameter = next(iter(network.named_parameters()))
    moved = average.weights[name] - (parameter - 1)
    torch.testing.assert_close(moved, torch.full_like(moved, 1 - 2 / 11))  # short in the beginning
    now = parameter.clone()
    with apply_average(network, average):
        torch.testing.assert_close(parameter.data, average.weights[name])
    assert (parameter == now).all()


def test_statistics_of_batch_norm_are_in_the_moving_average_as_they_are(network):
    average = MovingAverage(network, 0.9)
    buffers = {name: buffer for name, buffer in network.named_buffers() if buffer.is_floating_point()}
    assert any("running_var" in name for name in buffers)
    for step in (1.0, 2.0):
        for buffer in buffers.values():
            buffer.fill_(step)
        average.update(network)
        for name in buffers:
            torch.testing.assert_close(average.weights[name], buffers[name], rtol=0, atol=0)


def test_fused_norms_are_the_same_function_with_the_same_gradients(network):
    generator = torch.Generator().manual_seed(0)
    for norm in (module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)):
        for tensor in (norm.weight.data, norm.bias.data, norm.running_mean, norm.running_var):
            tensor.uniform_(0.5, 1.5, generator=generator)
    fused = copy.deepcopy(network)
    fuse_frozen_norms(fused)
    image = torch.rand(2, 3, 32, 40, generator=generator)
    for each in (network, fused):
        set_train_mode(each, frozen_batch_norm=True)
        torch.cat([field.flatten() for stage in each(image) for field in stage]).square().sum().backward()
    norms = [name for name, module in fused.named_modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert norms
    for (name, one), other in zip(network.named_parameters(), fused.parameters(), strict=True):
        torch.testing.assert_close(other.grad, one.grad, rtol=1e-4, atol=1e-4 * float(one.grad.abs().max()), msg=name)
    assert network.state_dict().keys() == fused.state_dict().keys()
    counted = []
    fused.get_submodule(norms[0]).register_forward_hook(
        lambda module, given, result: counted.append(given[0] is result)
    )
    fused(image)
    assert counted == [True], "the norm itself does nothing more"
