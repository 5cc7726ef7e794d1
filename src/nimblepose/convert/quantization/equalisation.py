"""Channels of a tensor brought to similar ranges, exactly, so that one scale serves them all.

ReLU lets positive factors pass: dividing a channel by s before it and multiplying the weights that read the channel by
s changes nothing (cross-layer equalisation, Nagel et al., arXiv 1906.04721). Weights have a scale per output channel,
so the layer that writes the channel never suffers, nor does a depthwise layer that reads it. A dense layer that reads
it does: its weights share a scale over all input channels. There the factor is a compromise between the ranges of the
activations and of the weights, as in SmoothQuant (arXiv 2211.10438).
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from nimblepose.convert.quantization.layers import Network
from nimblepose.convert.quantization.statistics import Statistics

Index = NDArray[np.int64]

_FIXED = 0  # the factor that is 1: of inputs, of outputs, and where an operator lets no factor pass
_QUIET = 0.05  # of the median channel's range: what a channel counts at least, for it may be louder in other pictures
_SMALL = 1e-3  # of the widest: the same where most channels are silent, and for weights


def equalise(network: Network, statistics: Statistics, *, balance: float = 0.7) -> tuple[Network, Statistics]:
    """A network that computes the same, up to rounding of float32, from channels of similar ranges; its statistics.

    Args:
        network: Not changed.
        statistics: Of this network.
        balance: 1 gives all channels of an activation the same range, whatever that does to the weights of dense layers
            that read it; 0 does the opposite.
    """
    reach = statistics.reach
    channels = _tie_channels(network, {tensor: len(values) for tensor, values in reach.items()})
    count = 1 + max(int(index.max()) for index in channels.values())
    activations, weights = np.zeros(count), np.zeros(count)
    for tensor, index in channels.items():
        least = max(_QUIET * float(np.median(reach[tensor])), _SMALL * float(reach[tensor].max()), 1e-9)
        np.maximum.at(activations, index, np.maximum(reach[tensor], least))
    for layer in network.layers:
        if layer.conv and layer.conv.group == 1:  # its weights as parts of the largest of their output channel
            size = np.abs(layer.conv.weight)
            parts = size / np.maximum(size.max(axis=(1, 2, 3), keepdims=True), 1e-12)
            np.maximum.at(weights, channels[layer.inputs[0]], parts.max(axis=(0, 2, 3)))
    compromise = activations**balance / np.maximum(weights, _SMALL) ** (1 - balance)
    factors = np.where(weights > 0, compromise, activations)
    factors[_FIXED] = 1
    by_tensor = {tensor: factors[index] for tensor, index in channels.items()}
    weights_and_biases = {}
    for layer in network.layers:
        if conv := layer.conv:
            outside, inside = by_tensor[layer.output], by_tensor[layer.inputs[0]]
            own = inside[:, None] if conv.depthwise else inside[None] if conv.group == 1 else np.ones((1, 1))
            weight = conv.weight * own[..., None, None] / outside[:, None, None, None]
            weights_and_biases[layer.output] = (weight.astype(np.float32), (conv.bias / outside).astype(np.float32))
    return network.replace_weights(weights_and_biases), statistics.divide(network, by_tensor)


def _tie_channels(network: Network, counts: Mapping[str, int]) -> dict[str, Index]:
    """For every tensor (C,) the number of each channel's factor; channels that must share one have the same number."""
    ties = _Ties()
    channels: dict[str, Index] = {network.input: ties.add_fixed(counts[network.input])}
    for layer in network.layers:
        inputs, count = [channels[name] for name in layer.inputs], counts[layer.output]
        if layer.conv:
            if layer.conv.group > 1 and not layer.conv.depthwise:
                ties.tie(inputs[0], ties.add_fixed(len(inputs[0])))
            channels[layer.output] = ties.add_free(count)
        elif layer.kind in ("Relu", "MaxPool"):
            channels[layer.output] = inputs[0]
        elif layer.kind == "Concat" and sum(map(len, inputs)) == count:
            channels[layer.output] = np.concatenate(inputs)
        elif layer.kind == "Add" and [len(index) for index in inputs] == [count, count]:
            ties.tie(*inputs)
            channels[layer.output] = inputs[0]
        else:
            for index in inputs:
                ties.tie(index, ties.add_fixed(len(index)))
            channels[layer.output] = ties.add_fixed(count)
    for name in network.outputs:
        ties.tie(channels[name], ties.add_fixed(counts[name]))
    return {name: ties.settle(index) for name, index in channels.items()}


class _Ties:
    """Numbers of factors, and which of them are one: a forest, in which the smallest number is the root."""

    def __init__(self) -> None:
        self._parent = [_FIXED]

    def add_fixed(self, count: int) -> Index:
        return np.full(count, _FIXED, np.int64)

    def add_free(self, count: int) -> Index:
        start = len(self._parent)
        self._parent += range(start, start + count)
        return np.arange(start, start + count)

    def tie(self, first: Index, second: Index) -> None:
        for a, b in zip(first, second, strict=True):
            low, high = sorted((self._find_root(a), self._find_root(b)))
            self._parent[high] = low

    def settle(self, index: Index) -> Index:
        return np.array([self._find_root(i) for i in index], np.int64)

    def _find_root(self, i: int) -> int:
        while self._parent[i] != i:
            i = self._parent[i]
        return int(i)
