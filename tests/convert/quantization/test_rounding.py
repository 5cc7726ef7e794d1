"""Integers within their limits whose output is closer to the wanted one than that of nearest rounding."""

import numpy as np
import pytest

from nimblepose.convert.quantization.layers import Convolution
from nimblepose.convert.quantization.rounding import DENSE_LIMIT, DEPTHWISE_LIMIT, Rounded, round_weights
from nimblepose.convert.quantization.statistics import Moments


def convolution(weight, *, group=1):
    return Convolution(
        weight=weight.astype(np.float32), bias=np.linspace(-1, 1, len(weight)).astype(np.float32), relu=False,
        group=group, strides=(1, 1), dilations=(1, 1), pads=(0, 0, 0, 0),
    )  # fmt: skip


def moments(seen):
    """Of numbers (group, K, N)."""
    mean = seen.mean(axis=2)
    apart = seen - mean[..., None]
    return Moments(mean, apart @ apart.transpose(0, 2, 1) / seen.shape[2])


def output(weight, bias, seen):
    group = len(seen)
    return (weight.reshape(group, len(weight) // group, -1) @ seen).reshape(len(weight), -1) + bias[:, None]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize(("group", "limit"), [(1, DENSE_LIMIT), (16, DEPTHWISE_LIMIT), (2, DENSE_LIMIT)], ids=str)
def test_limits_and_gain_over_nearest(rng, group, limit):
    conv = convolution(rng.normal(size=(16, 16 // group, 3, 3)), group=group)
    size = 144 // group
    mixed = rng.normal(size=(group, size, size)) @ np.maximum(rng.normal(size=(group, size, 2000)), 0) + 1
    rounded = round_weights(conv, moments(mixed), input_step=0.01)
    assert rounded.integers.dtype == np.int8
    assert 0.5 * limit < np.abs(rounded.integers.astype(int)).max() <= limit
    step = np.abs(conv.weight).max(axis=(1, 2, 3)) / limit
    integers = np.rint(conv.weight / step[:, None, None, None]).astype(np.int8)
    nearest = Rounded(integers, step.astype(np.float32), conv.bias)
    wanted = output(conv.weight, conv.bias, mixed)
    ours, theirs = (np.square(output(r.weight, r.bias, mixed) - wanted).mean() for r in (rounded, nearest))
    assert ours < (0.5 if group == 1 else 0.9) * theirs


def test_no_channel_is_off_on_average(rng):
    conv = convolution(rng.normal(size=(8, 8, 1, 1)))
    seen = rng.normal(size=(1, 8, 3000)) + np.arange(8)[:, None]
    rounded = round_weights(conv, moments(seen), input_step=0.01)
    error = output(rounded.weight, rounded.bias, seen) - output(conv.weight, conv.bias, seen)
    assert np.abs(error).max() > 0.01
    np.testing.assert_allclose(error.mean(axis=1), 0, atol=1e-4)


def test_a_silent_input_leaves_its_weights_alone(rng):
    conv = convolution(rng.normal(size=(4, 4, 1, 1)))
    seen = rng.normal(size=(1, 4, 500))
    seen[:, 2] = 0
    rounded = round_weights(conv, moments(seen), input_step=0.01)
    np.testing.assert_allclose(rounded.weight[:, 2], conv.weight[:, 2], atol=0.1)


def test_biases_fit_32_bits_even_where_weights_are_nothing(rng):
    conv = convolution(np.zeros((2, 3, 1, 1)))
    conv.bias[:] = 1e6
    rounded = round_weights(conv, moments(rng.normal(size=(1, 3, 100))), input_step=1e-3)
    assert np.abs(rounded.bias / (1e-3 * rounded.steps)).max() < 2**31
    np.testing.assert_allclose(rounded.bias, 1e6, rtol=1e-4)
