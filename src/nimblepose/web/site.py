"""A folder of static files that any host can serve: the page, a model, and the runtime."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from nimblepose.core.errors import MediaError, ModelError
from nimblepose.core.files import make_folder, write_atomically
from nimblepose.core.metadata import InputSpec, ModelMetadata
from nimblepose.web.model_facts import describe_model

PAGE = Path(__file__).parent / "page"
_MODEL = "model.onnx"
_FLOATS = "model-webgpu.onnx"


@dataclass(frozen=True)
class FloatModel:
    """The same model in floats, for graphics cards.

    Attributes:
        weights: An ONNX file.
        input: How pixels become what it takes.
        runtime: The files of `find_runtime(kind=WEBGPU)`.
    """

    weights: bytes
    input: InputSpec
    runtime: Sequence[Path]


def write_site(
    out: Path,
    model: Path,
    metadata: ModelMetadata,
    runtime: Sequence[Path] | None,
    *,
    webgpu: FloatModel | None = None,
    server: bool = False,
) -> list[str]:
    """Write the page for a model.

    Args:
        out: Folder, made if need be; an older page of ours in it is replaced.
        model: An ONNX file, if the browser is to run it.
        metadata: Of the model.
        runtime: The files of `find_runtime`; None: the browser runs nothing, the page's server finds people.
        webgpu: The page offers graphics cards, too.
        server: The page may ask the server that it comes from.

    Returns:
        Names of the files, the page itself last.

    Raises:
        ModelError: the model is no ONNX file.
        MediaError: the folder holds another page, or cannot be written.
    """
    if runtime is not None and model.suffix != ".onnx":
        raise ModelError(f"{model}: browsers run ONNX files; make one with `nimblepose export` or `nimblepose import`")
    index = out / "index.html"
    if index.exists() and b"nimblepose" not in index.read_bytes():
        raise MediaError(f"{out} holds another page, {index.name}; choose another folder")
    contents = dict(_list_contents(model, metadata, runtime, webgpu, server=server))
    later = set() if webgpu is None else {_FLOATS, *(f"runtime/{path.name}" for path in webgpu.runtime)}
    names = sorted(contents, key=lambda name: (name == index.name, name))
    digest = hashlib.sha256()
    for name in names:
        digest.update(f"{name} {len(contents[name])} ".encode() + contents[name])
    # Browsers keep the service worker themselves; it keeps what graphics cards need once somebody has asked for it.
    kept = [name for name in names if name not in {"service-worker.js", *later}]
    contents["files.json"] = json.dumps({"version": digest.hexdigest()[:16], "files": kept}, indent=1).encode()
    for name in ["files.json", *names]:
        make_folder((out / name).parent)
        write_atomically(out / name, contents[name], durable=False)
    return ["files.json", *names]


def _list_contents(
    model: Path, metadata: ModelMetadata, runtime: Sequence[Path] | None, webgpu: FloatModel | None, *, server: bool
) -> Iterator[tuple[str, bytes]]:
    for path in sorted(path for path in PAGE.rglob("*") if path.is_file()):
        yield path.relative_to(PAGE).as_posix(), path.read_bytes()
    facts = describe_model(metadata, name=model.stem, file=None)
    if runtime is not None:
        weights = model.read_bytes()
        facts |= {"file": _MODEL, "size": len(weights), "checksum": hashlib.sha256(weights).hexdigest()}
        yield _MODEL, weights
        for path in runtime:
            yield f"runtime/{path.name}", path.read_bytes()
    if webgpu is not None:
        checksum = hashlib.sha256(webgpu.weights).hexdigest()
        size, spec = len(webgpu.weights), asdict(webgpu.input)
        facts["webgpu"] = {"file": _FLOATS, "size": size, "checksum": checksum, "input": spec}
        yield _FLOATS, webgpu.weights
        for path in webgpu.runtime:
            yield f"runtime/{path.name}", path.read_bytes()
    yield "model.json", json.dumps({**facts, "server": server}).encode()
