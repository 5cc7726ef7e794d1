"""Weights to small integers, so that a layer's output changes least on what the layer really sees.

Weights are rounded one after the other, those still to come making good for the error of each, as far as their inputs
vary together (GPTQ, arXiv 2210.17323); the bias takes what is left of the mean, so no channel is off on average.

Dense layers get 7 bits: without VNNI, x86 adds two products of uint8 and int8 into 16 bits, which overflow silently
from 255 * 64 * 2 on. Depthwise layers have kernels of their own that do not.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nimblepose.convert.quantization.layers import Convolution, Floats
from nimblepose.convert.quantization.statistics import Doubles, Moments

DENSE_LIMIT, DEPTHWISE_LIMIT = 64, 127  # largest absolute integer weight
_RIDGE = 0.03  # of the mean variance: what the pictures seem to say about inputs varying together is not all true
_NARROWER = tuple(np.linspace(1.0, 0.5, 26))  # tried parts of the widest range of weights
_BIAS_ROOM = 2.0**30  # biases are int32 in units of input step times weight step


class Rounded(NamedTuple):
    """A convolution as it is stored."""

    integers: NDArray[np.int8]  # (out, in / group, kh, kw)
    steps: Floats  # (out,): weight = integer * step
    bias: Floats  # (out,)

    @property
    def weight(self) -> Floats:
        """As the runtime sees it, (out, in / group, kh, kw)."""
        return self.integers.astype(np.float32) * self.steps[:, None, None, None]


def round_weights(conv: Convolution, moments: Moments, *, input_step: float) -> Rounded:
    """Integers and bias of a convolution.

    Args:
        conv: Float32.
        moments: Of what its kernel sees.
        input_step: Of the input's scale; biases are stored in units of it times the weights' steps.
    """
    limit = DEPTHWISE_LIMIT if conv.depthwise else DENSE_LIMIT
    weight = conv.weight.reshape(conv.group, len(conv.weight) // conv.group, -1).astype(np.float64)  # (group, out, K)
    size = weight.shape[2]
    ridge = _RIDGE * np.trace(moments.covariance, axis1=1, axis2=2) / size + 1e-9
    covariance = moments.covariance + ridge[:, None, None] * np.eye(size)
    steps = _choose_steps(weight, covariance, limit)
    integers = _round_in_turn(weight, covariance, steps, limit)
    change = (weight - integers * steps[..., None]) @ moments.mean[..., None]
    bias = conv.bias + change.reshape(-1)
    least = np.abs(bias) / (input_step * _BIAS_ROOM)
    steps = np.maximum(steps.reshape(-1), least)
    return Rounded(integers.reshape(conv.weight.shape), steps.astype(np.float32), bias.astype(np.float32))


def _choose_steps(weight: Doubles, covariance: Doubles, limit: int) -> Doubles:
    """(group, out): the step whose nearest rounding costs least, errors weighed by the variance of their input."""
    variance = np.diagonal(covariance, axis1=1, axis2=2)[:, None]
    widest = np.maximum(np.abs(weight).max(axis=2), 1e-9) / limit

    def measure_cost(steps: Doubles) -> Doubles:
        nearest = np.clip(np.rint(weight / steps[..., None]), -limit, limit) * steps[..., None]
        return np.asarray((variance * np.square(nearest - weight)).sum(axis=2))

    tried = np.stack([widest * part for part in _NARROWER])
    best = np.argmin([measure_cost(steps) for steps in tried], axis=0)
    return np.asarray(np.take_along_axis(tried, best[None], axis=0)[0])


def _round_in_turn(weight: Doubles, covariance: Doubles, steps: Doubles, limit: int) -> NDArray[np.int8]:
    """Integers (group, out, K): inputs of large variance first, those still to come correct what each rounding did."""
    order = np.argsort(-np.diagonal(covariance, axis1=1, axis2=2).mean(axis=0))
    left = weight[:, :, order].copy()
    inverse = np.linalg.inv(covariance[:, order][:, :, order])
    spread = np.linalg.cholesky(inverse).transpose(0, 2, 1)  # upper: row i says how an error at i is shared out
    integers = np.empty(weight.shape, np.int8)
    for i, place in enumerate(order):
        rounded = np.clip(np.rint(left[:, :, i] / steps), -limit, limit)
        integers[:, :, place] = rounded
        error = (left[:, :, i] - rounded * steps) / spread[:, i, i, None]
        left[:, :, i + 1 :] -= error[:, :, None] * spread[:, None, i, i + 1 :]
    return integers
