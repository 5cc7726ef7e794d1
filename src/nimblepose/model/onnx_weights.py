"""Weights out of an ONNX file of ours, float or int8, under the names that they have in a checkpoint.

Exporting folds BatchNorm into the convolutions; it comes back as an identity (`norms.measure_norms` gives it statistics
again). Int8 weights become (value - zero point) * step; ranges of what lies between nodes are left out.
"""

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nimblepose.core.errors import ModelError
from nimblepose.core.metadata import InputSpec, ModelMetadata
from nimblepose.core.optional import import_optional
from nimblepose.model.checkpoint import MAX_BYTES, check_size
from nimblepose.model.folding import find_normalised_convolutions
from nimblepose.model.network import NetworkOptions, build_network

_PREFIX = "network."  # of every weight's name: what is exported is a network and the choice of its last stage
_STORED, _STEP, _ZERO = "/stored", "/step", "/zero"  # of a quantized tensor, as `nimblepose quantize` names them
_MEAN, _SCALE = "pixel_mean", "pixel_scale"  # of a file that normalises pixels itself


def read_onnx(path: Path) -> tuple[ModelMetadata, dict[str, Tensor]]:
    """What the file says of itself, and the state dict of its network with identities for BatchNorm.

    A bias that quantizing gave to a convolution that has none is left out: it makes up for rounding, a thousandth of
    what flows there.

    Raises:
        ModelError: no such file, not one of ours, or weights that are missing.
        MissingPackageError: onnx is not installed.
    """
    check_size(path, max_bytes=MAX_BYTES)
    onnx = import_optional("onnx", "an ONNX file as weights")
    try:
        proto = onnx.load(path)
    except Exception as error:  # protobuf's own, and whatever a damaged file makes of it
        raise ModelError(f"{path} is not a readable ONNX file ({error}); was it cut off?") from error
    metadata = ModelMetadata.from_strings({p.key: p.value for p in proto.metadata_props}, source=str(path))
    found = {one.name: np.asarray(onnx.numpy_helper.to_array(one)) for one in proto.graph.initializer}
    weights = _restore(found)
    network = build_network(NetworkOptions.from_dict(metadata.network), metadata.skeleton, seed=0)
    places = network.state_dict()
    names = {module: name for name, module in network.named_modules()}
    norms = {names[layer]: names[norm] for _, _, layer, norm in find_normalised_convolutions(network)}
    state = {key: tensor for key, tensor in weights.items() if key in places}
    for layer, norm in norms.items():
        bias = weights.get(f"{layer}.bias")
        if bias is None:
            continue  # told as missing by whoever fills the network
        eps = float(network.get_submodule(norm).eps)  # type: ignore[arg-type]
        state |= {
            f"{norm}.weight": torch.ones_like(bias),
            f"{norm}.bias": bias,
            f"{norm}.running_mean": torch.zeros_like(bias),
            f"{norm}.running_var": torch.full_like(bias, 1 - eps),
            f"{norm}.num_batches_tracked": torch.tensor(0),
        }
        if f"{layer}.bias" in places:
            state[f"{layer}.bias"] = torch.zeros_like(bias)
    return _take_normalisation_back(metadata, found), state


def _restore(found: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
    """Float weights by their names in a checkpoint."""
    weights = {}
    for name, value in found.items():
        match = re.fullmatch(rf"{re.escape(_PREFIX)}(.+)\.(weight|bias)({_STORED})?", name)
        if match is None:
            continue
        key = f"{match[1]}.{match[2]}"
        if match[3]:
            step, zero = (found.get(f"{_PREFIX}{key}{part}") for part in (_STEP, _ZERO))
            if step is None or zero is None:
                continue
            shape = (-1, *[1] * (value.ndim - 1))  # one step per output channel
            value = (value.astype(np.float64) - zero.astype(np.float64).reshape(shape)) * step.reshape(shape)
        weights[key] = torch.from_numpy(np.array(value, np.float32))
    return weights


def _take_normalisation_back(metadata: ModelMetadata, found: Mapping[str, NDArray[Any]]) -> ModelMetadata:
    """Metadata of the network alone: where the file normalises pixels itself, its caller has to again."""
    spec = metadata.input
    if spec.dtype != "uint8" or _MEAN not in found or _SCALE not in found:
        return metadata
    given = InputSpec(stride=spec.stride, channels=spec.channels, mean=float(found[_MEAN]), scale=float(found[_SCALE]))
    return dataclasses.replace(metadata, input=given)
