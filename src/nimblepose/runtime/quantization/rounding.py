"""Weights to small integers, so that a layer's output on quantised input is what it was in float32.

Three steps, each in closed form and each on what the layer really sees, the output of the quantised layers before it:
least squares makes good for errors made before, a step per output channel is chosen, and the weights are rounded one
after the other, the rest making good for the error of each (GPTQ, arXiv 2210.17323). The bias takes what is left of the
mean, so no channel is off on average.

Dense layers get 7 bits: without VNNI, x86 adds two products of uint8 and int8 into 16 bits, which overflow silently
from 255 * 64 * 2 on. Depthwise layers have kernels of their own that do not.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nimblepose.runtime.quantization.layers import Convolution, Floats

DENSE_LIMIT, DEPTHWISE_LIMIT = 64, 127  # largest absolute integer weight
_RIDGE = 0.01  # of the mean variance of an input: holds weights where the sample says little about them
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


def patches(conv: Convolution, image: Floats, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Floats:
    """What the kernel sees at N places of the output of an input (C, h, w): (C, kh * kw, N)."""
    top, left, bottom, right = conv.pads
    padded = np.pad(image, ((0, 0), (top, bottom), (left, right)))
    (down, across), (apart, aside) = conv.strides, conv.dilations
    kh, kw = conv.weight.shape[2:]
    seen = [padded[:, rows * down + i * apart, columns * across + j * aside] for i in range(kh) for j in range(kw)]
    return np.stack(seen, axis=1)


def round_weights(conv: Convolution, seen: Floats, wanted: Floats, *, input_step: float) -> Rounded:
    """The integers and the bias whose output is closest to the wanted one.

    Args:
        conv: Gives the weights to start from.
        seen: (in, kh * kw, N) patches of the quantised input.
        wanted: (out, N) float32 output at the same places, before the ReLU.
        input_step: Of the input's scale; biases are stored in units of it times the weights' steps.
    """
    limit = DEPTHWISE_LIMIT if conv.depthwise else DENSE_LIMIT
    group, count = conv.group, seen.shape[2]
    inputs = seen.reshape(group, -1, count)
    outputs = wanted.reshape(group, -1, count)
    mean_input, mean_output = inputs.mean(axis=2, keepdims=True), outputs.mean(axis=2, keepdims=True)
    inputs, outputs = inputs - mean_input, outputs - mean_output
    weight = conv.weight.reshape(group, len(conv.weight) // group, -1)  # (group, out, in * kh * kw)
    covariance = _covariance(inputs)
    weight = _refit(weight, inputs, outputs, covariance)
    steps = _best_steps(weight, covariance, limit)
    integers = _round_in_turn(weight, covariance, steps, limit)
    bias = (mean_output - (integers * steps[..., None]) @ mean_input).reshape(-1)
    steps = np.maximum(steps.reshape(-1), np.abs(bias) / (input_step * _BIAS_ROOM))
    return Rounded(integers.reshape(conv.weight.shape), steps.astype(np.float32), bias.astype(np.float32))


def _covariance(inputs: Floats) -> NDArray[np.float64]:
    """(group, K, K) of inputs (group, K, N) around 0, with a ridge."""
    covariance = (inputs @ inputs.transpose(0, 2, 1) / inputs.shape[2]).astype(np.float64)
    size = covariance.shape[1]
    ridge = _RIDGE * np.trace(covariance, axis1=1, axis2=2)[:, None, None] / size + 1e-9
    return np.asarray(covariance + ridge * np.eye(size))


def _refit(weight: Floats, inputs: Floats, outputs: Floats, covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights (group, out, K) with the least squared error, held near the given ones by the ridge."""
    error = outputs - weight @ inputs
    correlation = (inputs @ error.transpose(0, 2, 1)).astype(np.float64) / inputs.shape[2]
    return np.asarray(weight + np.linalg.solve(covariance, correlation).transpose(0, 2, 1))


def _best_steps(weight: NDArray[np.float64], covariance: NDArray[np.float64], limit: int) -> NDArray[np.float64]:
    """(group, out): the step whose nearest rounding costs least, errors weighed by the variance of their input."""
    variance = np.diagonal(covariance, axis1=1, axis2=2)[:, None]
    widest = np.maximum(np.abs(weight).max(axis=2), 1e-9) / limit

    def cost(steps: NDArray[np.float64]) -> NDArray[np.float64]:
        nearest = np.clip(np.rint(weight / steps[..., None]), -limit, limit) * steps[..., None]
        return np.asarray((variance * np.square(nearest - weight)).sum(axis=2))

    tried = np.stack([widest * part for part in _NARROWER])
    best = np.argmin([cost(steps) for steps in tried], axis=0)
    return np.asarray(np.take_along_axis(tried, best[None], axis=0)[0])


def _round_in_turn(
    weight: NDArray[np.float64], covariance: NDArray[np.float64], steps: NDArray[np.float64], limit: int
) -> NDArray[np.int8]:
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
