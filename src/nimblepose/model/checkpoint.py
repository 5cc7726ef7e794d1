"""The own format: safetensors with skeleton, input spec and network options in the metadata."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from nimblepose.core.errors import ModelError
from nimblepose.core.files import replacing
from nimblepose.core.metadata import ModelMetadata
from nimblepose.model.network import NetworkOptions, PoseNetwork, build_network

_KERNEL = 4  # dimensions of a convolution's weights
MAX_BYTES = 2 << 30  # the largest network of the family has 0.2 GB; beyond this a file is something else


def save_checkpoint(network: PoseNetwork, metadata: ModelMetadata, path: str | Path, *, half: bool = False) -> None:
    """Write the weights and everything needed to rebuild and use them; a whole file or none.

    Args:
        network: Its options and skeleton are written, whatever `metadata` says of them.
        metadata: Input spec, licence and origin.
        path: Usually `*.safetensors`; an existing file is replaced.
        half: Kernels as float16, in half the bytes: a relative error of at most 2^-11. Who loads them has float32.

    Raises:
        ModelError: the file cannot be written, or a kernel is too large for float16.
    """
    path = Path(path)
    metadata = dataclasses.replace(metadata, skeleton=network.skeleton, network=network.options.to_dict())
    state = {key: tensor.detach().cpu().contiguous() for key, tensor in network.state_dict().items()}
    if half:  # biases and norms are few, and a variance may be too small for it
        state = {key: tensor.half() if tensor.ndim == _KERNEL else tensor for key, tensor in state.items()}
        if beyond := [key for key, tensor in state.items() if not torch.isfinite(tensor).all()]:
            raise ModelError(f"cannot write checkpoint {path} as float16: {beyond[:3]} are too large")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            save_file(state, temporary, metadata=metadata.to_strings())
    except (OSError, SafetensorError) as error:
        raise ModelError(f"cannot write checkpoint {path}: {error}") from error


def load_checkpoint(path: str | Path) -> tuple[PoseNetwork, ModelMetadata]:
    """Rebuild the network that `save_checkpoint` wrote, in evaluation mode on the CPU.

    Raises:
        ModelError: no such file, not a checkpoint of ours, or weights that do not fit its own options.
    """
    strings, state = read_safetensors(path)
    metadata = ModelMetadata.from_strings(strings, source=str(path))
    network = build_network(NetworkOptions.from_dict(metadata.network), metadata.skeleton, seed=0)
    fill(network, state, source=str(path))
    return network.eval(), metadata


def read_safetensors(path: str | Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Metadata and tensors of a safetensors file.

    Raises:
        ModelError: no such file, too large, or not safetensors.
    """
    check_size(path)
    try:
        with safe_open(str(path), framework="pt") as file:
            return file.metadata() or {}, {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path} is not a readable safetensors file ({error}); was it cut off?") from error


def check_size(path: str | Path, *, max_bytes: int = MAX_BYTES) -> None:
    """Refuse what is no file, or larger than any network of the family.

    Raises:
        ModelError: so it is.
    """
    if not Path(path).is_file():
        raise ModelError(f"no model file {path}")
    if (size := Path(path).stat().st_size) > max_bytes:
        raise ModelError(f"{path} has {size} bytes; more than {max_bytes} is not a pose network")


def fill(network: nn.Module, state: Mapping[str, Tensor], *, source: str) -> None:
    """Put weights into a network; every one must have its place and every place its weight.

    Raises:
        ModelError: lists every missing, surplus and misshaped key, and weights that are not finite numbers.
    """
    places = network.state_dict()
    faults = [f"missing: {key} {tuple(places[key].shape)}" for key in places if key not in state]
    faults += [f"surplus: {key} {tuple(state[key].shape)}" for key in state if key not in places]
    for key in places.keys() & state.keys():
        found, expected = tuple(state[key].shape), tuple(places[key].shape)
        if found != expected:
            faults.append(f"misshaped: {key} is {found}, expected {expected}")
        elif state[key].is_floating_point() != places[key].is_floating_point():
            faults.append(f"mistyped: {key} is {state[key].dtype}, expected {places[key].dtype}")
        elif not torch.isfinite(state[key]).all():
            faults.append(f"not finite: {key}")
    if faults:
        lines = "\n  ".join(sorted(faults))
        raise ModelError(f"{source} does not fit the network in {len(faults)} keys:\n  {lines}")
    network.load_state_dict(dict(state))
