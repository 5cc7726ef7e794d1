"""ONNX files of ours as others can take them: without pixels, without 8 bits, without what nobody needs."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from nimblepose.convert.export import INPUT
from nimblepose.core.errors import ModelError
from nimblepose.core.metadata import InputSpec, ModelMetadata
from nimblepose.core.optional import import_optional

_QUANTIZERS = ("QuantizeLinear", "DequantizeLinear")


def read_metadata(proto: Any) -> ModelMetadata:
    """What an onnx.ModelProto of ours says of itself.

    Raises:
        ModelError: it says nothing, or something damaged.
    """
    return ModelMetadata.from_strings({p.key: p.value for p in proto.metadata_props}, source="the model")


def is_quantized(proto: Any) -> bool:
    """Are activations of an onnx.ModelProto stored in 8 bits?"""
    return any(node.op_type == "QuantizeLinear" for node in proto.graph.node)


def clear_value_info(proto: Any) -> Any:
    """The same onnx.ModelProto without the sizes of what lies between its nodes.

    Nobody needs them, and after surgery they contradict the graph: tract, for one, then refuses the file.
    """
    ours = _copy(proto)
    del ours.graph.value_info[:]
    return ours


def take_numbers(proto: Any) -> Any:
    """The inverse of `take_pixels`: the caller normalises, so that the input is float32; the given one is left alone.

    Mean and scale of the node that made numbers out of pixels become those of the metadata. A file that takes numbers
    stays as it is. OpenCV before 5 ignores the zero point of that node without a word, others refuse bytes as input.

    Raises:
        ModelError: not the first node of a file of ours.
    """
    onnx = import_optional("onnx", "export")
    metadata = read_metadata(proto)
    ours = clear_value_info(proto)
    if metadata.input.dtype == "float32":
        return ours
    graph = ours.graph
    readers = [node for node in graph.node if INPUT in node.input]
    constants = {constant.name: onnx.numpy_helper.to_array(constant) for constant in graph.initializer}
    kinds = [node.op_type for node in readers]
    if kinds != ["DequantizeLinear"] or not all(name in constants for name in readers[0].input[1:]):
        raise ModelError(f"pixels should go to one DequantizeLinear with constants, they go to {', '.join(kinds)}")
    first = readers[0]
    scale, *mean = (float(constants[name]) for name in first.input[1:])
    _rename_inputs(graph, {first.output[0]: INPUT})
    graph.node.remove(first)
    graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    _drop_unread(graph)
    spec = dataclasses.replace(metadata.input, mean=mean[0] if mean else 0.0, scale=scale, dtype="float32")
    kept = {p.key: p.value for p in ours.metadata_props}
    onnx.helper.set_model_props(ours, kept | dataclasses.replace(metadata, input=spec).to_strings())
    onnx.checker.check_model(ours)
    return ours


def to_floats(proto: Any) -> Any:
    """A quantized onnx.ModelProto with its weights as float32, equalised as they are, and activations never rounded.

    It takes numbers, too: what knows no integers is given this. A file of floats stays as it is.

    Raises:
        ModelError: its outputs are rounded, or its pixels go elsewhere than in a file of ours.
    """
    onnx = import_optional("onnx", "export")
    ours = take_numbers(proto)
    graph = ours.graph
    constants = {constant.name: constant for constant in graph.initializer}
    renamed: dict[str, str] = {}
    kept = []
    for node in graph.node:
        if node.op_type not in _QUANTIZERS:
            kept.append(node)
        elif node.op_type == "DequantizeLinear" and node.input[0] in constants:
            values = [onnx.numpy_helper.to_array(constants[name]) for name in node.input]
            axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 1)
            real = dequantize(*values, axis=axis)
            graph.initializer.append(onnx.numpy_helper.from_array(real, node.output[0]))
        else:  # rounds, or makes numbers of what was rounded: what went in comes out
            renamed[node.output[0]] = node.input[0]
    del graph.node[:]
    graph.node.extend(kept)
    _rename_inputs(graph, {name: _follow(name, renamed) for name in renamed})
    if lost := {output.name for output in graph.output} & set(renamed):
        raise ModelError(f"outputs {', '.join(sorted(lost))} are quantized; they have to be numbers")
    _drop_unread(graph)
    onnx.checker.check_model(ours)
    return ours


def read_floats(path: Path) -> tuple[bytes, InputSpec]:
    """An ONNX file of ours, of which `to_floats` is taken, as a file again; and how pixels become what it takes.

    Raises:
        ModelError: it is no ONNX file of ours, or as `to_floats`.
        MissingPackageError: onnx is not installed.
    """
    onnx = import_optional("onnx", "export")
    if path.suffix.lower() != ".onnx":
        raise ModelError(f"{path} is no ONNX file; make one with `nimblepose export`")
    floats = to_floats(onnx.load(path))
    return floats.SerializeToString(), read_metadata(floats).input


def dequantize(stored: Any, scale: Any, zero: Any = 0, *, axis: int = 1) -> np.ndarray[Any, np.dtype[np.float32]]:
    """(stored - zero) * scale as ONNX's DequantizeLinear has it: per tensor, or per slice along `axis`.

    >>> dequantize(np.array([[0, 128], [0, 3]], np.uint8), np.array([2, 0.5]), np.array([128, 1], np.uint8), axis=0)
    array([[-256. ,    0. ],
           [  -0.5,    1. ]], dtype=float32)
    """
    scale, zero = np.asarray(scale, np.float32), np.asarray(zero)
    if scale.ndim and stored.ndim:
        shape = [1] * stored.ndim
        shape[axis if scale.size > 1 else 0] = scale.size
        scale, zero = scale.reshape(shape), (zero.reshape(shape) if zero.size == scale.size else zero)
    return np.asarray((stored.astype(np.int64) - zero.astype(np.int64)) * scale, np.float32)


def _follow(name: str, renamed: dict[str, str]) -> str:
    while name in renamed:
        name = renamed[name]
    return name


def _copy(proto: Any) -> Any:
    ours = type(proto)()
    ours.CopyFrom(proto)
    return ours


def _rename_inputs(graph: Any, names: dict[str, str]) -> None:
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]


def _drop_unread(graph: Any) -> None:
    read = {name for node in graph.node for name in node.input} | {output.name for output in graph.output}
    kept = [constant for constant in graph.initializer if constant.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)
