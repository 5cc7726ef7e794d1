"""A folder of static files that any host can serve: the page, a model, and the runtime."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from nimblepose.core.errors import MediaError, ModelError
from nimblepose.core.files import make_folder, write_atomically
from nimblepose.core.metadata import ModelMetadata
from nimblepose.web.model_facts import describe_model

PAGE = Path(__file__).parent / "page"
_MODEL = "model.onnx"


def write_site(
    out: Path, model: Path, metadata: ModelMetadata, runtime: Sequence[Path] | None, *, server: bool = False
) -> list[str]:
    """Write the page for a model.

    Args:
        out: Folder, made if need be; an older page of ours in it is replaced.
        model: An ONNX file, if the browser is to run it.
        metadata: Of the model.
        runtime: The files of `find_runtime`; None: the browser runs nothing, the page's server finds people.
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
    contents = dict(_list_contents(model, metadata, runtime, server=server))
    names = sorted(contents, key=lambda name: (name == index.name, name))
    digest = hashlib.sha256()
    for name in names:
        digest.update(f"{name} {len(contents[name])} ".encode() + contents[name])
    kept = [name for name in names if name != "service-worker.js"]  # browsers keep that one themselves
    contents["files.json"] = json.dumps({"version": digest.hexdigest()[:16], "files": kept}, indent=1).encode()
    for name in ["files.json", *names]:
        make_folder((out / name).parent)
        write_atomically(out / name, contents[name], durable=False)
    return ["files.json", *names]


def _list_contents(
    model: Path, metadata: ModelMetadata, runtime: Sequence[Path] | None, *, server: bool
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
    yield "model.json", json.dumps({**facts, "server": server}).encode()
