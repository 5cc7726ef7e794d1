"""The mean of several checkpoints of one network: between weights and their fine-tuned copy often lies a better one."""

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from nimblepose.core.errors import ModelError
from nimblepose.core.metadata import ModelMetadata
from nimblepose.model.checkpoint import load_checkpoint
from nimblepose.model.network import PoseNetwork

_SAME = ("network", "skeleton", "input", "paf_geometry")  # facts that all must share


def mix_checkpoints(
    paths: Sequence[str | Path], shares: Sequence[float] | None = None
) -> tuple[PoseNetwork, ModelMetadata]:
    """Weighted mean, tensor by tensor, BatchNorm statistics too.

    It makes sense of weights that come from the same start; those of two runs from scratch have nothing in common.

    Args:
        paths: Checkpoints of the same network, skeleton, input and PAF geometry.
        shares: One per checkpoint, together 1; None: all the same. Below 0 leads away from a checkpoint.

    Raises:
        ModelError: a checkpoint that cannot be read or differs from the first, or shares that do not fit.
    """
    shares = [1 / len(paths)] * len(paths) if shares is None else list(shares)
    if len(paths) < 2 or len(shares) != len(paths):
        raise ModelError(f"a mean takes two checkpoints or more, and one share for each; got {len(paths)}, {shares}")
    if not math.isclose(sum(shares), 1, abs_tol=1e-6):
        raise ModelError(f"shares {shares} add up to {sum(shares):g}, not 1")
    loaded = [load_checkpoint(path) for path in paths]
    network, metadata = loaded[0]
    for path, (_, other) in zip(paths[1:], loaded[1:], strict=True):
        if differing := [name for name in _SAME if getattr(other, name) != getattr(metadata, name)]:
            raise ModelError(f"{path} has another {' and '.join(differing)} than {paths[0]}")
    states = [net.state_dict() for net, _ in loaded]
    network.load_state_dict({key: _average([state[key] for state in states], shares) for key in states[0]})
    parts = [f"{share:g} ({other.origin})" for share, (_, other) in zip(shares, loaded, strict=True)]
    licences = dict.fromkeys(other.licence for _, other in loaded)
    licence, origin = " AND ".join(licences), f"mean: {' + '.join(parts)}"
    metadata = dataclasses.replace(metadata, scorer=None, errors=None)  # they were learnt from other weights
    return network, dataclasses.replace(metadata, licence=licence, origin=origin)


def _average(tensors: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
    """Counters, such as BatchNorm's number of batches, are the first one's."""
    if not tensors[0].is_floating_point():
        return tensors[0]
    stacked = torch.stack([share * tensor.double() for share, tensor in zip(shares, tensors, strict=True)])
    return stacked.sum(dim=0).to(tensors[0].dtype)
