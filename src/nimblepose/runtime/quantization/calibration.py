"""From pictures to integers: layer after layer, in float32 and quantised side by side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.metadata import InputSpec
from nimblepose.runtime.quantization.layers import Convolution, Floats, Layer, Network
from nimblepose.runtime.quantization.ranges import Scale
from nimblepose.runtime.quantization.rounding import Rounded, patches, round_weights
from nimblepose.runtime.quantization.run import runner

_PLACES = 12_000  # of each layer's output, over all pictures, that its weights are fitted to

Progress = Callable[[int], None]
"""Called after each layer with the number of those done."""


@dataclass(frozen=True)
class Plan:
    """All that makes a network an int8 one."""

    weights: dict[str, Rounded]  # by the layer's output
    scales: dict[str, Scale]  # by tensor


def input_scale(spec: InputSpec) -> Scale:
    """Pictures are whole numbers 0..255: where the mean is one, too, this scale stores them without any error."""
    return Scale.of_range(*sorted((value - spec.mean) * spec.scale for value in (0, 255)))


def calibrate(
    network: Network,
    batches: Sequence[Floats],
    spec: InputSpec,
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> Plan:
    """Scales of all tensors and integers of all convolutions.

    Every layer is fitted to give its float32 output from the input that the quantised layers before it give.

    Args:
        network: Float32, equalised.
        batches: Prepared pictures, each (1, 3, h, w), of any sizes.
        spec: What the network's input is.
        seed: Of the choice of places.
        progress: Told after each layer.
    """
    rng = np.random.default_rng(seed)
    last_use = {name: i for i, layer in enumerate(network.layers) for name in layer.inputs}
    plan = Plan({}, {network.input: input_scale(spec)})
    exact = {network.input: list(batches)}
    stored = {network.input: [plan.scales[network.input].quantise(batch) for batch in batches]}
    for number, layer in enumerate(network.layers):
        inputs = list(zip(*(stored[name] for name in layer.inputs), strict=True))
        run = runner(layer, network)
        wanted = [run(values) for values in zip(*(exact[name] for name in layer.inputs), strict=True)]
        if layer.conv:
            seen, there = _sample(layer.conv, [values[0] for values in inputs], wanted, rng)
            step = plan.scales[layer.inputs[0]].step
            rounded = round_weights(layer.conv, seen, there, input_step=step)
            plan.weights[layer.output] = rounded
            run = runner(_with(layer, rounded), network)
        found = [run(values) for values in inputs]
        if layer.conv and layer.conv.relu:
            wanted, found = ([np.maximum(v, 0, out=v) for v in values] for values in (wanted, found))
        plan.scales[layer.output] = scale = _scale(network, layer, wanted)
        found = [scale.quantise(values) for values in found]
        exact[layer.output], stored[layer.output] = wanted, found
        for name in {*layer.inputs, layer.output}:
            if last_use.get(name, -1) <= number:
                del exact[name], stored[name]
        if progress:
            progress(number + 1)
    return plan


def _sample(
    conv: Convolution, inputs: Sequence[Floats], outputs: Sequence[Floats], rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Patches (C, kh * kw, N) of inputs (1, C, h, w) at random places, and outputs (O, N) there."""
    seen, there = [], []
    places = -(-_PLACES // len(inputs))
    for image, output in zip(inputs, outputs, strict=True):
        height, width = output.shape[2:]
        rows, columns = rng.integers(0, height, places), rng.integers(0, width, places)
        seen.append(patches(conv, image[0], rows, columns))
        there.append(output[0][:, rows, columns])
    return np.concatenate(seen, axis=2), np.concatenate(there, axis=1)


def _with(layer: Layer, rounded: Rounded) -> Layer:
    """The layer with its weights as they are stored."""
    return replace(layer, conv=replace(layer.conv, weight=rounded.weight, bias=rounded.bias)) if layer.conv else layer


def _scale(network: Network, layer: Layer, values: Sequence[NDArray[np.float32]]) -> Scale:
    low, high = min(float(v.min()) for v in values), max(float(v.max()) for v in values)
    readers = {reader.kind for reader in network.readers(layer.output)}
    return Scale.of_range(low, high, before_elu=readers == {"Elu"})
