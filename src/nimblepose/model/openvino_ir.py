"""Weights out of an Open Model Zoo IR (`human-pose-estimation-0001`: FP32, FP16 or INT8), under the names of ours.

The layers carry the names of the Caffe network; BatchNorm is folded into the convolutions and comes back as an
identity. INT8 weights become (value - zero point) * scale; the ranges of INT8 activations are left out.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nimblepose.core.errors import ModelError
from nimblepose.core.metadata import InputSpec
from nimblepose.core.optional import import_optional
from nimblepose.model.checkpoint import check_size

_MAX_XML_BYTES = 16 << 20
_BATCH_NORM_EPS = 1e-5  # torch's default, which the network uses
_BLOCKS = ["2_1", "2_2", "3_1", "3_2", "4_1", "4_2", "5_1", "5_2", "5_3", "5_4", "5_5"]
_HEADS = {"L1": "pafs", "L2": "heatmaps"}


def read_ir(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Origin and licence, and the state dict of a network in Intel's form.

    Raises:
        ModelError: no such file, no `.bin` beside it, or a graph that is not this network.
        MissingPackageError: openvino is not installed.
    """
    weights = path.with_suffix(".bin")
    check_size(path, max_bytes=_MAX_XML_BYTES)
    check_size(weights)
    openvino = import_optional("openvino", "an OpenVINO IR")
    try:
        operators = openvino.Core().read_model(path, weights).get_ordered_ops()
    except RuntimeError as error:
        raise ModelError(f"{path} is not a readable OpenVINO IR: {str(error).splitlines()[0]}") from error
    convolutions = {
        op.get_friendly_name().removesuffix("/WithoutBiases"): op for op in operators if "Convolution" in _read_kind(op)
    }
    strange = sorted(name for name in convolutions if _translate_name(name) is None)
    if strange or "conv1" not in convolutions:
        raise ModelError(f"{path} is not human-pose-estimation-0001: unknown convolutions {strange[:10]}")
    state: dict[str, Tensor] = {}
    for name, op in convolutions.items():
        state |= _read_layer(name, op, path)
    source = f"Open Model Zoo {path.stem}, imported from its OpenVINO IR"
    return {"source": source, "licence": "Apache-2.0"}, state


def _translate_name(name: str) -> tuple[str, str | None] | None:
    """Our names of a Caffe layer: the convolution and the BatchNorm after it; None: no such layer."""
    if name == "conv1":
        return "model.0.0", "model.0.1"
    if (match := re.fullmatch(r"conv(\d_\d)/(dw|sep)", name)) and match[1] in _BLOCKS:
        block = f"model.{_BLOCKS.index(match[1]) + 1}"
        return (f"{block}.0", f"{block}.1") if match[2] == "dw" else (f"{block}.3", f"{block}.4")
    cpm = {"conv4_3_CPM/al": "cpm.align.0", "conv4_3_CPM/red": "cpm.red.0", "conv4_4_CPM": "cpm.conv.0"}
    if name in cpm:
        return cpm[name], None
    if match := re.fullmatch(r"conv4_3_CPM/dw([123])(/1x1)?", name):
        return f"cpm.trunk.{int(match[1]) - 1}.{2 if match[2] else 0}", None
    if name == "conv4_3_CPM/inc":
        return "cpm.trunk.2.2", None
    if match := re.fullmatch(r"conv5_([123])_CPM_L1", name):
        return f"initial_stage.trunk.{int(match[1]) - 1}.0", None
    if match := re.fullmatch(r"conv5_([45])_CPM_(L[12])", name):
        return f"initial_stage.{_HEADS[match[2]]}.{int(match[1]) - 4}.0", None
    if match := re.fullmatch(r"Mconv([1-5])_stage([2-9])_L1/(sq|3x3|3x3/2)", name):
        block = f"refinement_stages.{int(match[2]) - 2}.trunk.{int(match[1]) - 1}"
        if match[3] == "sq":
            return f"{block}.initial.0", None
        i = 0 if match[3] == "3x3" else 1
        return f"{block}.trunk.{i}.0", f"{block}.trunk.{i}.1"
    if match := re.fullmatch(r"Mconv([67])_stage([2-9])_(L[12])", name):
        return f"refinement_stages.{int(match[2]) - 2}.{_HEADS[match[3]]}.{int(match[1]) - 6}.0", None
    return None


def _read_layer(name: str, op: Any, path: Path) -> dict[str, Tensor]:
    """Weight, bias and identity BatchNorm of one convolution."""
    key, norm = _translate_name(name) or (name, None)
    weight = _compute_constant(op.input_value(1).get_node(), path)
    if _read_kind(op) == "GroupConvolution":
        weight = weight.reshape(weight.shape[0], *weight.shape[2:])  # (C, 1, 1, 3, 3) -> (C, 1, 3, 3)
    if name == "conv1":
        weight = weight * _read_input_scale(op, path)
    if name.startswith("Mconv1_") and name.endswith("/sq"):
        weight = weight[:, _read_concatenation_order(op, path)]
    bias = _read_bias(op, path)
    state = {f"{key}.weight": weight}
    if norm is not None:
        ones = np.ones_like(bias)
        state |= {
            f"{norm}.weight": ones,
            f"{norm}.bias": bias,
            f"{norm}.running_mean": 0 * ones,
            f"{norm}.running_var": ones - np.float32(_BATCH_NORM_EPS),
        }
        if key.startswith("refinement_stages."):
            state[f"{key}.bias"] = 0 * ones  # these convolutions have a bias beside BatchNorm
    elif key.startswith("cpm.trunk.") and key.endswith(".0"):
        if np.any(bias):
            raise ModelError(f"{path}: {name} has a bias, which this network has no place for")
    else:
        state[f"{key}.bias"] = bias
    tensors = {k: torch.from_numpy(np.ascontiguousarray(v, np.float32)) for k, v in state.items()}
    return tensors if norm is None else {**tensors, f"{norm}.num_batches_tracked": torch.tensor(0)}


# The graph -----------------------------------------------------------------------------------------------------------


def _read_kind(op: Any) -> str:
    return str(op.get_type_name())


def _read_bias(op: Any, path: Path) -> NDArray[np.float32]:
    """What is added to the output of a convolution, (C,); zeros if nothing."""
    for target in op.output(0).get_target_inputs():
        add = target.get_node()
        if _read_kind(add) == "Add":
            other = add.input_value(1 - target.get_index()).get_node()
            if _is_constant(other):
                return _compute_constant(other, path).reshape(-1)
    return np.zeros(op.get_output_shape(0)[1], np.float32)


def _read_input_scale(op: Any, path: Path) -> NDArray[np.float32]:
    """By what the first weights must grow to take (value - mean) * scale of our InputSpec, (1, 3 or 1, 1, 1).

    The IR computes factor * value + offset itself; both must be the same map up to that factor.
    """
    factor, offset = _trace_input(op.input_value(0).get_node(), path)
    spec = InputSpec()
    if not np.allclose(spec.mean * factor + offset, 0, atol=1e-3):
        raise ModelError(f"{path}: input is scaled by {factor.ravel()}, {offset.ravel()}; its mean is not {spec.mean}")
    return factor / np.float32(spec.scale)


def _trace_input(node: Any, path: Path) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Factor and offset that have been applied to the picture when it leaves this operator."""
    inputs = [value.get_node() for value in node.input_values()]
    pictures = [operand for operand in inputs if not _is_constant(operand)]
    if not pictures:
        return np.ones((1, 1, 1, 1), np.float32), np.zeros((1, 1, 1, 1), np.float32)  # the picture itself
    factor, offset = _trace_input(pictures[0], path)
    if _read_kind(node) in ("FakeQuantize", "Convert"):
        return factor, offset
    constants = [_compute_constant(operand, path) for operand in inputs if _is_constant(operand)]
    match _read_kind(node), constants:
        case "Multiply", [value]:
            return factor * value, offset * value
        case "Add", [value]:
            return factor, offset + value
        case "Subtract", [value] if _is_constant(inputs[1]):
            return factor, offset - value
    raise ModelError(f"{path}: the picture passes through an unknown {_read_kind(node)}, {node.get_friendly_name()!r}")


def _read_concatenation_order(op: Any, path: Path) -> NDArray[np.intp]:
    """Input channels of a refinement stage in our order: features, heatmaps, PAFs."""
    concat = _climb_to(op.input_value(0).get_node(), "Concat", path)
    starts, at = {}, 0
    for i in range(concat.get_input_size()):
        name = _climb_to(concat.input_value(i).get_node(), "Convolution", path).get_friendly_name()
        name = name.removesuffix("/WithoutBiases")
        part = next((head for suffix, head in _HEADS.items() if name.endswith(suffix)), "features")
        channels = concat.get_input_shape(i)[1]
        starts[part] = np.arange(at, at + channels)
        at += channels
    if set(starts) != {"features", "heatmaps", "pafs"}:
        raise ModelError(f"{path}: {concat.get_friendly_name()} joins {sorted(starts)}")
    return np.concatenate([starts["features"], starts["heatmaps"], starts["pafs"]])


def _climb_to(node: Any, kind: str, path: Path) -> Any:
    """The nearest operator of a kind, following first inputs."""
    while _read_kind(node) != kind:
        if node.get_input_size() == 0:
            raise ModelError(f"{path} is not human-pose-estimation-0001: found no {kind} where one belongs")
        node = node.input_value(0).get_node()
    return node


# Constants -----------------------------------------------------------------------------------------------------------


def _is_constant(node: Any) -> bool:
    if node.get_input_size() == 0:
        return _read_kind(node) == "Constant"
    return all(_is_constant(value.get_node()) for value in node.input_values())


def _compute_constant(node: Any, path: Path) -> NDArray[np.float32]:
    """Value of a subgraph without inputs, in float32 whatever type the file computes in."""
    if _read_kind(node) == "Constant":
        return np.asarray(node.get_data(), np.float32)
    values = [_compute_constant(value.get_node(), path) for value in node.input_values()]
    match _read_kind(node), values:
        case "Convert", [x]:
            return x
        case "Add", [x, y]:
            return x + y
        case "Subtract", [x, y]:
            return x - y
        case "Multiply", [x, y]:
            return x * y
        case "Reshape", [x, shape]:
            return x.reshape(shape.astype(int))
        case "FakeQuantize", [x, in_low, in_high, out_low, out_high]:
            steps = node.get_attributes()["levels"] - 1
            level = np.round((np.clip(x, in_low, in_high) - in_low) / (in_high - in_low) * steps)
            return np.asarray(level / steps * (out_high - out_low) + out_low, np.float32)
    raise ModelError(
        f"{path}: weights pass through {_read_kind(node)} ({node.get_friendly_name()}), which is not understood"
    )
