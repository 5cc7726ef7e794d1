"""Weights of other projects -> a network of ours; what kind of file it is, its keys decide."""

import dataclasses
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nimblepose.core.errors import ModelError
from nimblepose.core.metadata import InputSpec, ModelMetadata
from nimblepose.core.skeleton import HUMAN_18, Skeleton
from nimblepose.model.checkpoint import MAX_BYTES, check_size, fill, load_checkpoint, read_safetensors
from nimblepose.model.network import NetworkOptions, PoseNetwork, build_network
from nimblepose.model.onnx_weights import read_onnx
from nimblepose.model.openvino_ir import read_ir

State = dict[str, Tensor]

_IMAGENET_BLOCKS = 14  # MobileNet v1 has model.0 .. model.13; the last two and the classifier (fc) are not used here


def import_weights(
    source: str | Path,
    *,
    skeleton: Skeleton = HUMAN_18,
    options: NetworkOptions | None = None,
    drop_extra_stages: bool = False,
    licence: str | None = None,
    seed: int = 0,
) -> tuple[PoseNetwork, ModelMetadata]:
    """Read public weights into a network in evaluation mode.

    Understands the 2018 `.pth` (state dict, or training dict with `state_dict`), safetensors with the same keys (with
    `cpm.red.*`: Intel's form), an Open Model Zoo IR (`.xml` with its `.bin` beside it; FP32, FP16 or INT8, whose
    activation ranges are left out), own checkpoints, ONNX files of ours (also in 8 bits, as the packaged one), and
    ImageNet MobileNet v1 (`.pth.tar` or safetensors): that gives only the backbone, the rest is fresh.

    Args:
        source: The file.
        skeleton: What the heads predict; own checkpoints bring theirs.
        options: Which network it must fit; by default the keys decide.
        drop_extra_stages: Keep the first refinement stage (or `options.refinement_stages`), drop those after it.
        licence: Of the weights; by default what the file tells, or "unknown".
        seed: For the fresh part where only a backbone is imported.

    Raises:
        ModelError: no such file, nothing we know, an unsafe pickle, or keys that do not fit (lists all of them).
        MissingPackageError: an IR without openvino installed, or an ONNX file without onnx.
    """
    path = Path(source)
    known: NetworkOptions | None = None
    if path.suffix.lower() == ".onnx":
        metadata, state = read_onnx(path)
        known = NetworkOptions.from_dict(metadata.network)
    else:
        strings, state = _read(path)
        if "nimblepose" in strings:
            network, metadata = load_checkpoint(path)
            state, known = dict(network.state_dict()), network.options
        else:
            metadata = ModelMetadata(skeleton=skeleton, input=InputSpec(), origin=strings.get("source", f"{path.name}"))
            metadata = dataclasses.replace(metadata, licence=strings.get("licence", "unknown"))
    skeleton = metadata.skeleton
    if not _is_pose_network(state):
        return _import_backbone(path, state, options or NetworkOptions(), metadata, licence, seed)
    if drop_extra_stages:
        keep = options.refinement_stages if options else 1
        state = {key: value for key, value in state.items() if _parse_stage(key) < keep}
        known = dataclasses.replace(known, refinement_stages=min(keep, known.refinement_stages)) if known else None
    options = options or known or infer_options(state)
    network = build_network(options, skeleton, seed=seed)
    fill(network, state, source=str(path))
    return network.eval(), _finish(metadata, network, licence)


def infer_options(state: Mapping[str, Tensor]) -> NetworkOptions:
    """Which single-branch MobileNet network the keys belong to: form of the cpm and number of refinement stages."""
    return NetworkOptions(
        cpm="intel" if any(key.startswith("cpm.red.") for key in state) else "reference",
        refinement_stages=max(map(_parse_stage, state), default=-1) + 1,
    )


def _parse_stage(key: str) -> int:
    """Index of the refinement stage that a key belongs to, -1 for all others."""
    match = re.match(r"refinement_stages\.(\d{1,3})\.", key)
    return int(match[1]) if match else -1


def _is_pose_network(state: Mapping[str, Tensor]) -> bool:
    return any(key.startswith(("cpm.", "initial_stage.")) for key in state)


def _import_backbone(
    path: Path, state: State, options: NetworkOptions, metadata: ModelMetadata, licence: str | None, seed: int
) -> tuple[PoseNetwork, ModelMetadata]:
    """A fresh network with an ImageNet backbone; knows and drops what MobileNet has beyond it."""
    if options.backbone != "mobilenet" or not any(key.startswith("model.0.") for key in state):
        raise ModelError(
            f"{path} holds neither a pose network nor a MobileNet v1 backbone; its keys begin with "
            f"{sorted(state)[:5]}, expected model.*, cpm.*, initial_stage.*, refinement_stages.*"
        )
    network = build_network(options, metadata.skeleton, seed=seed)
    beyond = ("fc.", *(f"model.{i}." for i in range(len(network.model), _IMAGENET_BLOCKS)))
    backbone = {key: value for key, value in state.items() if not key.startswith(beyond)}
    fresh = {key: value for key, value in network.state_dict().items() if not key.startswith("model.")}
    fill(network, {**fresh, **backbone}, source=str(path))
    return network.eval(), _finish(metadata, network, licence)


def _finish(metadata: ModelMetadata, network: PoseNetwork, licence: str | None) -> ModelMetadata:
    return dataclasses.replace(
        metadata, network=network.options.to_dict(), licence=licence if licence is not None else metadata.licence
    )


# Files ---------------------------------------------------------------------------------------------------------------


def _read(path: Path) -> tuple[dict[str, str], State]:
    """What the file tells about itself, and its tensors."""
    readers: dict[str, Callable[[Path], tuple[dict[str, str], State]]] = {
        ".safetensors": read_safetensors,
        ".xml": read_ir,
        ".pth": _read_pth,
        ".pt": _read_pth,
        ".tar": _read_pth,
    }
    if path.suffix.lower() not in readers:
        raise ModelError(f"cannot import {path}: expected a file that ends in {', '.join(readers)}, .onnx")
    return readers[path.suffix.lower()](path)


def _read_pth(path: Path) -> tuple[dict[str, str], State]:
    """Tensors of a torch file, without ever running code from it."""
    check_size(path)
    _check_unpacked_size(path)
    try:
        value = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a broken or hostile file can make the unpickler raise anything
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(
            f"{path} is refused: not a torch file of plain tensors, and pickles that hold anything else can run code "
            f"({first_line}). Where you trust it, load it yourself and save only its state_dict"
        ) from error
    if isinstance(value, Mapping) and isinstance(value.get("state_dict"), Mapping):
        value = value["state_dict"]
    if not isinstance(value, Mapping) or not all(
        isinstance(key, str) and isinstance(tensor, Tensor) for key, tensor in value.items()
    ):
        raise ModelError(f"{path}: expected a state dict (names and tensors) or a training dict with `state_dict`")
    return {}, _add_counters(_strip_prefix(value))


def _check_unpacked_size(path: Path) -> None:
    """Torch files are zip archives: refuse those that would unpack to more than any network has."""
    if not zipfile.is_zipfile(path):
        return  # the format before torch 1.6, not compressed
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError) as error:
        raise ModelError(f"{path} is damaged ({error}); was it cut off?") from error
    if size > MAX_BYTES:
        raise ModelError(f"{path} unpacks to {size} bytes; more than {MAX_BYTES} is not a pose network")


def _strip_prefix(state: Mapping[str, Any]) -> State:
    """Without the `module.` that training on several devices put before every key."""
    prefix = "module." if state and all(key.startswith("module.") for key in state) else ""
    return {key.removeprefix(prefix): value for key, value in state.items()}


def _add_counters(state: State) -> State:
    """With the batch counters of BatchNorm, which files older than torch 0.4.1 lack and evaluation does not use."""
    counters = {
        key.replace("running_mean", "num_batches_tracked"): torch.tensor(0)
        for key in state
        if key.endswith(".running_mean")
    }
    return {**counters, **state}
