"""From a network and statistics to all that makes it an int8 one."""

from dataclasses import dataclass

from nimblepose.convert.quantization.layers import Network
from nimblepose.convert.quantization.ranges import Scale
from nimblepose.convert.quantization.rounding import Rounded, round_weights
from nimblepose.convert.quantization.statistics import Statistics
from nimblepose.core.metadata import InputSpec
from nimblepose.core.progress import Progress, say_nothing

WITHOUT_WEIGHTS = {"Add", "Concat", "MaxPool", "Elu"}  # operators that are computed from and to 8 bits


@dataclass(frozen=True)
class Plan:
    """Integers and scales."""

    weights: dict[str, Rounded]  # by the convolution's output
    scales: dict[str, Scale]  # by tensor


def make_plan(network: Network, statistics: Statistics, spec: InputSpec, *, progress: Progress = say_nothing) -> Plan:
    """Scales of all tensors, integers of all convolutions.

    Args:
        network: Float32, equalised.
        statistics: Of this network.
        spec: What the network's input is.
        progress: Told after each layer.
    """
    plan = Plan({}, {network.input: derive_input_scale(spec)})
    for number, layer in enumerate(network.layers, start=1):
        if layer.conv:
            step = plan.scales[layer.inputs[0]].step
            plan.weights[layer.output] = round_weights(layer.conv, statistics.moments[layer.output], input_step=step)
        low, high = float(statistics.low[layer.output].min()), float(statistics.high[layer.output].max())
        readers = {reader.kind for reader in network.readers(layer.output)}
        plan.scales[layer.output] = Scale.from_range(low, high, before_elu=readers == {"Elu"})
        progress(number)
    return plan


def derive_input_scale(spec: InputSpec) -> Scale:
    """Pictures are whole numbers 0..255: where the mean is one, too, this scale stores them without any error."""
    return Scale.from_range(*sorted((value - spec.mean) * spec.scale for value in (0, 255)))
