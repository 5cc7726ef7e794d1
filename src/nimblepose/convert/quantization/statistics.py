"""What calibration pictures tell: the range of every channel, and how the inputs of every convolution vary together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nimblepose.convert.quantization.layers import Convolution, Floats, Network, import_onnx
from nimblepose.core.optional import import_optional
from nimblepose.core.progress import Progress, say_nothing

Doubles = NDArray[np.float64]

_PLACES = 2_000  # of each convolution's output, chosen at random in every picture


@dataclass(frozen=True)
class Moments:
    """Of what a convolution's kernel sees: K = in / group * kh * kw numbers at each place."""

    mean: Doubles  # (group, K)
    covariance: Doubles  # (group, K, K)

    def divide(self, factors: Doubles) -> "Moments":
        """After dividing the numbers by factors (group, K)."""
        return Moments(self.mean / factors, self.covariance / (factors[:, :, None] * factors[:, None, :]))


@dataclass(frozen=True)
class Statistics:
    """Of a float32 network on pictures."""

    low: Mapping[str, Floats]  # (C,) smallest value of each channel, by tensor
    high: Mapping[str, Floats]  # (C,) largest
    moments: Mapping[str, Moments]  # by the convolution's output

    @property
    def reach(self) -> dict[str, Floats]:
        """Largest absolute value of each channel, (C,), by tensor."""
        return {name: np.maximum(np.abs(low), np.abs(self.high[name])) for name, low in self.low.items()}

    def divide(self, network: Network, factors: Mapping[str, Doubles]) -> "Statistics":
        """Of the same network with each tensor's channels divided by factors (C,), by tensor."""
        moments = {}
        for layer in network.layers:
            if conv := layer.conv:
                per_input = np.repeat(factors[layer.inputs[0]], conv.weight.shape[2] * conv.weight.shape[3])
                moments[layer.output] = self.moments[layer.output].divide(per_input.reshape(conv.group, -1))
        low, high = (
            {name: (values / factors[name]).astype(np.float32) for name, values in ends.items()}
            for ends in (self.low, self.high)
        )
        return Statistics(low, high, moments)


def observe(
    network: Network, batches: Iterable[Floats], *, seed: int = 0, threads: int = 0, progress: Progress = say_nothing
) -> Statistics:
    """Statistics over prepared pictures, each (1, 3, h, w), of any sizes; only one is held at a time.

    Args:
        network: Float32.
        batches: At least one.
        seed: Of the choice of places.
        threads: Of ONNX Runtime; 0 takes all cores.
        progress: Told after each picture.
    """
    rng = np.random.default_rng(seed)
    names = list(dict.fromkeys(layer.output for layer in network.layers))
    session = _open_session(network, names, threads)
    low: dict[str, Floats] = {}
    high: dict[str, Floats] = {}
    sums: dict[str, _Sums] = {}
    for number, batch in enumerate(batches, start=1):
        values = dict(zip(names, session.run(names, {network.input: batch}), strict=True)) | {network.input: batch}
        for name, value in values.items():
            least, most = value.min(axis=(0, 2, 3)), value.max(axis=(0, 2, 3))
            low[name] = np.minimum(low.get(name, least), least)
            high[name] = np.maximum(high.get(name, most), most)
        for layer in network.layers:
            if conv := layer.conv:
                height, width = values[layer.output].shape[2:]
                chosen = rng.choice(height * width, min(_PLACES, height * width), replace=False)
                seen = cut_patches(conv, values[layer.inputs[0]][0], chosen // width, chosen % width)
                sums.setdefault(layer.output, _Sums()).add(seen.reshape(conv.group, -1, len(chosen)))
        progress(number)
    return Statistics(low, high, {name: one.moments() for name, one in sums.items()})


def cut_patches(conv: Convolution, image: Floats, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Floats:
    """What the kernel sees at N places of the output of an input (C, h, w): (C, kh * kw, N)."""
    top, left, bottom, right = conv.pads
    padded = np.pad(image, ((0, 0), (top, bottom), (left, right)))
    (down, across), (apart, aside) = conv.strides, conv.dilations
    kh, kw = conv.weight.shape[2:]
    seen = [padded[:, rows * down + i * apart, columns * across + j * aside] for i in range(kh) for j in range(kw)]
    return np.stack(seen, axis=1)


class _Sums:
    """Of numbers (group, K, N) and of their products, over all pictures."""

    def __init__(self) -> None:
        self._count = 0
        self._first: Doubles | float = 0.0
        self._second: Doubles | float = 0.0

    def add(self, seen: Floats) -> None:
        self._count += seen.shape[2]
        self._first = self._first + seen.sum(axis=2, dtype=np.float64)
        self._second = self._second + np.asarray(seen @ seen.transpose(0, 2, 1), np.float64)

    def moments(self) -> Moments:
        mean = np.asarray(self._first / self._count)
        return Moments(mean, np.asarray(self._second / self._count - mean[:, :, None] * mean[:, None, :]))


def _open_session(network: Network, names: list[str], threads: int) -> Any:
    """The model as it was read, with all these tensors for outputs."""
    onnx, ort = import_onnx(), import_optional("onnxruntime", "quantizing")
    model = onnx.ModelProto()
    model.CopyFrom(network.proto)
    known = {output.name for output in model.graph.output}
    kind = onnx.TensorProto.FLOAT
    model.graph.output.extend(
        onnx.helper.make_tensor_value_info(name, kind, None) for name in names if name not in known
    )
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
