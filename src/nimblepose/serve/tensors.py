"""Tensors of the open inference protocol: in JSON, or as bytes behind it."""

import json
import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nimblepose.serve.problems import ProblemError

HEADER_LENGTH = "Inference-Header-Content-Length"
_DTYPES = {"UINT8": np.dtype(np.uint8), "FP32": np.dtype("<f4")}


def read_tensors(body: bytes, header_length: str | None, names: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The JSON of a request, and its inputs by name: arrays, or lists of bytes.

    Args:
        body: Of the request, inflated.
        header_length: Bytes of its JSON, if tensors lie behind it.
        names: Inputs that there are.

    Raises:
        ProblemError: something that does not fit.
    """
    length = len(body) if header_length is None else _to_number(header_length, len(body))
    try:
        header = json.loads(body[:length])
    except (ValueError, RecursionError) as error:
        raise ProblemError("bad-request", f"the request is no JSON: {error}") from error
    inputs = header.get("inputs") if isinstance(header, dict) else None
    if not isinstance(inputs, list) or not all(isinstance(one, dict) for one in inputs):
        raise ProblemError("bad-request", "inputs: a list of tensors is needed, each an object with name and shape")
    if not isinstance(header.get("parameters", {}), dict):
        raise ProblemError("bad-request", "parameters: an object")
    rest, tensors = memoryview(body)[length:], {}
    for one in inputs:
        name, kind = one.get("name"), one.get("datatype")
        if name not in names:
            raise ProblemError("bad-request", f"inputs: no {name!r}; there are {', '.join(names)}")
        shape = _read_shape(one.get("shape"), name)
        parameters = one.get("parameters", {})
        size = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
        if size is None:
            tensors[name] = _from_json(one.get("data"), kind, shape, name)
            continue
        if not isinstance(size, int) or not 0 <= size <= len(rest):
            raise ProblemError("bad-request", f"{name}: {size!r} bytes are announced, {len(rest)} came")
        tensors[name] = _from_bytes(rest[:size], kind, shape, name)
        rest = rest[size:]
    return header, tensors


def write_tensors(
    about: Mapping[str, Any], outputs: Mapping[str, NDArray[np.float32]], request: Mapping[str, Any]
) -> tuple[dict[str, Any], bytes]:
    """The JSON of an answer, and the bytes behind it, each tensor in the way that the request asks for.

    Raises:
        ProblemError: an output that is not there.
    """
    wanted = request.get("outputs") or [{"name": name} for name in outputs]
    everything = bool(request.get("parameters", {}).get("binary_data_output", False))
    described, data = [], b""
    for one in wanted:
        name = str(one.get("name")) if isinstance(one, dict) else "an output without a name"
        if name not in outputs:
            raise ProblemError("bad-request", f"outputs: no {name!r}; there are {', '.join(outputs)}")
        array = outputs[name]
        tensor: dict[str, Any] = {"name": name, "datatype": "FP32", "shape": list(array.shape)}
        if one.get("parameters", {}).get("binary_data", everything):
            packed = array.astype("<f4").tobytes()
            tensor["parameters"] = {"binary_data_size": len(packed)}
            data += packed
        else:
            tensor["data"] = [None if math.isnan(value) else value for value in array.ravel().tolist()]
        described.append(tensor)
    return {**about, "outputs": described}, data


def _to_number(text: str, most: int) -> int:
    if not text.isdecimal() or int(text) > most:
        raise ProblemError("bad-request", f"{HEADER_LENGTH}: {text!r} is no length within a body of {most} bytes")
    return int(text)


def _read_shape(shape: Any, name: str) -> tuple[int, ...]:
    if not isinstance(shape, list) or not all(type(n) is int and 0 <= n < 1 << 31 for n in shape) or len(shape) > 8:
        raise ProblemError("bad-request", f"{name}: shape is a list of whole numbers, got {shape!r}")
    return tuple(shape)


def _from_json(data: Any, kind: Any, shape: tuple[int, ...], name: str) -> Any:
    if kind == "BYTES":
        if not isinstance(data, list) or not all(isinstance(one, str) for one in data):
            raise ProblemError("bad-request", f"{name}: data is a list of text; send bytes of pictures as binary data")
        return [one.encode("latin-1", "replace") for one in data]
    dtype = _find_dtype(kind, name)
    try:
        numbers = np.asarray(data, float).reshape(shape)
    except (TypeError, ValueError) as error:
        raise ProblemError("bad-request", f"{name}: data do not fit the shape {list(shape)}: {error}") from error
    if dtype == np.uint8 and not ((numbers >= 0) & (numbers <= 255)).all():
        raise ProblemError("bad-request", f"{name}: UINT8 are numbers from 0 to 255")
    return numbers.astype(dtype)


def _from_bytes(data: memoryview, kind: Any, shape: tuple[int, ...], name: str) -> Any:
    if kind == "BYTES":
        texts, rest = [], data
        while rest:
            length = struct.unpack("<I", rest[:4])[0] if len(rest) >= 4 else -1
            if not 0 <= length <= len(rest) - 4:
                raise ProblemError("bad-request", f"{name}: each element is 4 bytes of length, then as many bytes")
            texts.append(bytes(rest[4 : 4 + length]))
            rest = rest[4 + length :]
        return texts
    dtype = _find_dtype(kind, name)
    if math.prod(shape) * dtype.itemsize != len(data):
        raise ProblemError("bad-request", f"{name}: {len(data)} bytes are no {kind} of shape {list(shape)}")
    return np.frombuffer(data, dtype).reshape(shape)


def _find_dtype(kind: Any, name: str) -> Any:
    if kind not in _DTYPES:
        raise ProblemError("bad-request", f"{name}: datatype is UINT8 or BYTES, got {kind!r}")
    return _DTYPES[kind]
