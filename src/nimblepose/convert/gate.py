"""No more accuracy lost than agreed: the most sensitive layers stay float32 until that is so, or there is no model."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any

import numpy as np

from nimblepose.convert.quantization.layers import Floats, Network, import_onnx
from nimblepose.convert.quantization.plan import Plan
from nimblepose.convert.quantization.qdq import build
from nimblepose.convert.quantization.rounding import DENSE_LIMIT
from nimblepose.core.errors import ModelError
from nimblepose.core.optional import import_optional
from nimblepose.core.progress import Say, say_nothing
from nimblepose.evaluation.coco import Metrics
from nimblepose.runtime.backends import openvino_core, openvino_settings

Measure = Callable[[Any], Metrics]
"""COCO figures of an onnx.ModelProto."""

_TOLERANCE = 0.005  # squared error as a part of the mean square; rounding halves makes 0.0004, overflow 0.03
_ROUNDS = 30  # of timing, models in turn
_MOST_FLOAT = 0.5  # part of the layers that may stay float before the model is refused


@dataclass(frozen=True, kw_only=True)
class Gated:
    """A model that passed, and what it took."""

    model: Any  # onnx.ModelProto
    stay_float: tuple[str, ...]  # outputs of the layers that did, most sensitive first after those of the network
    metrics: Metrics
    tried: Mapping[int, float]  # AP by the number of sensitive layers kept in float32


def quantize_within(
    network: Network,
    plan: Plan,
    measure: Measure,
    *,
    before: float,
    max_drop: float,
    batches: Sequence[Floats],
    say: Say = say_nothing,
) -> Gated:
    """The model with the fewest layers in float32 whose AP is within `max_drop` of `before`.

    The layers that give the network's outputs are always float32: they are small, and all that follows reads them.
    Others join them in order of sensitivity: twice as many at each failure, then the number is narrowed down by halves.

    Args:
        network: Float32, equalised.
        plan: Its integers and scales.
        measure: Called for every try.
        before: AP of the float32 model.
        max_drop: In AP, 0..1.
        batches: A few prepared pictures (1, 3, h, w), to find out which layers are sensitive.
        say: Hears about every try.

    Raises:
        ModelError: not within `max_drop` even with half of the layers in float32.
    """
    tried: dict[int, Gated] = {}
    ranked: list[str] = []

    def attempt(count: int) -> bool:
        stay_float = (*network.outputs, *ranked[:count])
        model = build(network, plan, stay_float=stay_float)
        metrics = measure(model)
        tried[count] = Gated(model=model, stay_float=stay_float, metrics=metrics, tried={})
        lost = before - metrics.ap
        say(f"int8, {count} sensitive layers in float32: AP {metrics.ap:.4f}, {lost:.4f} lost")
        return lost <= max_drop

    good = 0
    if not attempt(0):
        ranked = [name for name in rank_layers(network, plan, batches) if name not in network.outputs]
        most, bad, good = int(_MOST_FLOAT * len(ranked)), 0, 1
        while not attempt(good):
            if good >= most:
                best = max(one.metrics.ap for one in tried.values())
                raise ModelError(
                    f"AP {before:.4f} of the float32 model falls to {best:.4f} at best, with {good} of "
                    f"{len(ranked)} layers kept in float32: more than max-drop {max_drop:g}; nothing written. "
                    f"Allow more, or calibrate on more pictures that are like those to come"
                )
            bad, good = good, min(2 * good, most)
        while good - bad > 1:
            middle = (bad + good) // 2
            bad, good = (bad, middle) if attempt(middle) else (middle, good)
    aps = {count: one.metrics.ap for count, one in sorted(tried.items())}
    return replace(tried[good], tried=aps)


def rank_layers(network: Network, plan: Plan, batches: Sequence[Floats]) -> dict[str, float]:
    """Layers by sensitivity: what quantizing each alone does to the fields, by its output, largest first.

    The measure is the squared error of the fields as a part of their mean square, summed over the outputs.
    """
    layers = [layer.output for layer in network.layers]
    truth = _run(build(network, plan, stay_float=layers), network, batches)
    errors = {}
    for alone in layers:
        found = _run(build(network, plan, stay_float=[name for name in layers if name != alone]), network, batches)
        errors[alone] = sum(_measure_error(*pair) for pair in zip(found, truth, strict=True))
    return dict(sorted(errors.items(), key=lambda item: -item[1]))


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Milliseconds of the network alone in ONNX Runtime."""

    float32: float
    int8: float  # with the layers that stay float32
    of_float: Mapping[str, float]  # what each of these adds, by its output
    size: tuple[int, int]  # (height, width) of the input


def measure_costs(network: Network, plan: Plan, stay_float: Sequence[str], batch: Floats, *, threads: int) -> Costs:
    """What is won, and what each layer that stays float32 costs of it.

    Models are timed in turn, since machines change speed, and the fastest of all rounds counts: others on the machine
    only ever add.

    Args:
        network: Float32, equalised.
        plan: Its integers and scales.
        stay_float: Outputs of layers.
        batch: A prepared picture (1, 3, h, w).
        threads: Of ONNX Runtime; 0 takes all cores.
    """
    everything = [layer.output for layer in network.layers]
    chosen = {"float32": everything, "int8": stay_float}
    chosen |= {f"without {name}": [other for other in stay_float if other != name] for name in stay_float}
    sessions = {name: _open_session(build(network, plan, stay_float=stay), threads) for name, stay in chosen.items()}
    times: dict[str, list[float]] = {name: [] for name in sessions}
    for _ in range(_ROUNDS):
        for name, session in sessions.items():
            session.run(None, {network.input: batch})  # until the threads of the one before have gone to sleep
            start = time.perf_counter()
            session.run(None, {network.input: batch})
            times[name].append(1e3 * (time.perf_counter() - start))
    fastest = {name: min(values) for name, values in times.items()}
    return Costs(
        float32=fastest["float32"],
        int8=fastest["int8"],
        of_float={name: fastest["int8"] - fastest[f"without {name}"] for name in stay_float},
        size=(batch.shape[2], batch.shape[3]),
    )


def check_weights(model: Any) -> None:
    """Do the integers of an onnx.ModelProto fit processors that add two products in 16 bits (x86 without VNNI)?

    There 255 * 64 * 2 is the largest sum that does not overflow, silently. Depthwise layers have kernels of their own.

    Raises:
        ModelError: a dense convolution has stored weights of more than 7 bits.
    """
    numpy_of = import_onnx().numpy_helper.to_array
    stored = {constant.name: constant for constant in model.graph.initializer}
    made = {node.output[0]: node for node in model.graph.node if node.op_type == "DequantizeLinear"}
    for node in model.graph.node:
        if node.op_type != "Conv" or node.input[1] not in made or made[node.input[1]].input[0] not in stored:
            continue
        weights = numpy_of(stored[made[node.input[1]].input[0]]).astype(np.int32)
        if weights.shape[1] > 1 and (most := int(np.abs(weights).max())) > DENSE_LIMIT:
            raise ModelError(
                f"{made[node.input[1]].input[0]}: weights up to {most} overflow on x86 processors without VNNI; "
                f"dense layers are stored in 7 bits, to {DENSE_LIMIT}"
            )


def check_runtimes(model: Any, network: Network, batches: Sequence[Floats]) -> dict[str, float]:
    """How far each runtime that is installed is from computing the model's integers exactly.

    Exact is ONNX Runtime without optimisation, which computes in float32 between rounding as the file says. Runtimes
    round halves their own way; a runtime or processor that lets integers overflow shows here.

    Returns:
        Squared error of the fields as a part of their mean square, largest of the outputs, by runtime.

    Raises:
        ModelError: a runtime that computes something else, or integers that overflow on other processors than this.
    """
    check_weights(model)
    truth = _run(model, network, batches, optimised=False)
    found = {"onnxruntime": _run(model, network, batches)}
    if find_spec("openvino"):
        core = openvino_core()
        compiled = core.compile_model(core.read_model(model.SerializeToString()), "CPU", openvino_settings())
        results = [compiled([batch]) for batch in batches]
        found["openvino"] = [np.concatenate([r[name].ravel() for r in results]) for name in network.outputs]
    far = {name: max(_measure_error(*pair) for pair in zip(got, truth, strict=True)) for name, got in found.items()}
    if wrong := {name: value for name, value in far.items() if not value <= _TOLERANCE}:
        raise ModelError(f"quantized fields differ by more than {_TOLERANCE} of their mean square in {wrong}")
    return far


def _open_session(model: Any, threads: int = 0, *, optimised: bool = True) -> Any:
    ort = import_optional("onnxruntime", "quantizing")
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    if not optimised:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _run(model: Any, network: Network, batches: Sequence[Floats], *, optimised: bool = True) -> list[Floats]:
    """Each output over all pictures, flat."""
    session = _open_session(model, optimised=optimised)
    results = [session.run(list(network.outputs), {network.input: batch}) for batch in batches]
    return [np.concatenate([field.ravel() for field in fields]) for fields in zip(*results, strict=True)]


def _measure_error(found: Floats, truth: Floats) -> float:
    return float(np.square(found - truth).mean() / max(float(np.square(truth).mean()), 1e-12))
