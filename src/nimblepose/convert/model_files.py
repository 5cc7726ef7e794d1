"""Model files of ours, ONNX and checkpoints, looked into and written again without touching their weights."""

from pathlib import Path
from typing import TYPE_CHECKING

from nimblepose.convert.traces import strip_traces
from nimblepose.core.errors import ModelError
from nimblepose.core.files import write_atomically
from nimblepose.core.metadata import ModelMetadata
from nimblepose.core.optional import import_optional
from nimblepose.core.skeleton import HUMAN_18
from nimblepose.runtime.models import PACKAGED, STARTS

if TYPE_CHECKING:
    from nimblepose.model.network import PoseNetwork


def open_network(model: str) -> "tuple[PoseNetwork, ModelMetadata | None]":
    """A network in torch, for looking at it: a variant of the paper, or what a file says of its own network.

    Args:
        model: Name of a variant or of a model in the package, a checkpoint, or an exported ONNX file, of which only the
            metadata are read: the weights of its network are random.

    Returns:
        The network and the file's metadata; None for a variant.

    Raises:
        ModelError: neither a name nor a readable file.
        MissingPackageError: torch is not installed.
    """
    from nimblepose.model.checkpoint import load_checkpoint
    from nimblepose.model.network import NetworkOptions, build_network
    from nimblepose.model.variants import VARIANTS

    path = find_file(model)
    if model in VARIANTS:
        return build_network(VARIANTS[model].options, HUMAN_18, seed=0), None
    if not path.is_file():
        raise ModelError(f"no variant or file {model!r}; variants are {', '.join(VARIANTS)}")
    if path.suffix.lower() != ".onnx":
        return load_checkpoint(path)
    metadata = read_onnx_metadata(path)
    return build_network(NetworkOptions.from_dict(metadata.network), metadata.skeleton, seed=0), metadata


def find_file(model: str) -> Path:
    """Of a model in the package by its name, or the path that was given."""
    packaged = (PACKAGED | STARTS).get(model)
    return Path(model) if packaged is None else packaged.path


def read_onnx_metadata(path: Path) -> ModelMetadata:
    """What an ONNX file of ours says of itself.

    Raises:
        ModelError: it cannot be read, or is not ours.
    """
    ort = import_optional("onnxruntime", "reading an ONNX file")
    try:
        session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own errors share no public parent
        raise ModelError(f"{path} is not a readable ONNX file: {error}") from error
    return ModelMetadata.from_strings(session.get_modelmeta().custom_metadata_map, source=str(path))


def write_with_metadata(path: Path, metadata: ModelMetadata, out: Path) -> None:
    """Write a model file of ours again, ONNX or checkpoint, with other metadata; its weights stay as they are.

    Args:
        path: The file.
        metadata: The new ones.
        out: File of the same kind to write.

    Raises:
        ModelError: it cannot be read.
        MediaError: it cannot be written.
        MissingPackageError: onnx or torch is not installed.
    """
    if path.suffix != ".onnx":
        from nimblepose.model.checkpoint import load_checkpoint, save_checkpoint

        save_checkpoint(load_checkpoint(path)[0], metadata, out)
        return
    onnx = import_optional("onnx", "writing an ONNX file")
    proto = strip_traces(onnx.load(path))
    onnx.helper.set_model_props(proto, metadata.to_strings())
    write_atomically(out, proto.SerializeToString())
