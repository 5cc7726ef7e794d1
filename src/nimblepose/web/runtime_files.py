"""The runtime of the page, ONNX Runtime Web: files that are not in the package, known by their checksums."""

from pathlib import Path

from nimblepose.core.errors import DownloadError, MediaError
from nimblepose.core.progress import StageProgress
from nimblepose.runtime.models import ModelFile, NamedModel, fetch_model, find_cache_folder, find_cached

_ADDRESS = "https://cdn.jsdelivr.net/npm/onnxruntime-web@1.30.0/dist/"

RUNTIME = NamedModel(
    name="onnxruntime-web-1.30.0",
    description="ONNX Runtime Web, for processors (WebAssembly)",
    licence="MIT",
    files=(
        ModelFile(
            _ADDRESS + "ort.wasm.min.mjs",
            50126,
            "49f15fcbfa6fb6188eb206b0dca5f46d5e537d0e88abea18f4abad31ee12c48b871f8725f830920f8ad3b183a81b5b49",
        ),
        ModelFile(
            _ADDRESS + "ort-wasm-simd-threaded.mjs",
            24381,
            "5dc5c0fccb407f45a907c7b4db7c501fd08ced12238ae81a913ef1f7d0c8c2915fee4e7a0481457003deac817b14369d",
        ),
        ModelFile(
            _ADDRESS + "ort-wasm-simd-threaded.wasm",
            14239897,
            "be3049d73eeaae1913c98b0da8a785e9cecdfa7389494f78733128fadbd972ef06ef92696ab1aaf6407e9139c450d54c",
        ),
    ),
)
"""The kind without WebGPU, half as large; `package.json` beside names the same version."""

WEBGPU = NamedModel(
    name="onnxruntime-web-1.30.0-webgpu",
    description="ONNX Runtime Web, for graphics cards (WebGPU)",
    licence="MIT",
    files=(
        ModelFile(
            _ADDRESS + "ort.webgpu.min.mjs",
            66349,
            "14f40131bb9df080ae3f4222f86afde4a5845fda4a1ed502de569c229d1a3c8f16625b8abd3b04190dc013665edd094b",
        ),
        ModelFile(
            _ADDRESS + "ort-wasm-simd-threaded.asyncify.mjs",
            53057,
            "a958847021b3b11fe6f27950c08b1b621eda7cde2d86eadaa85603418ea1baf9a82d5a19abf7986b0435c2bbfc9e7840",
        ),
        ModelFile(
            _ADDRESS + "ort-wasm-simd-threaded.asyncify.wasm",
            26781914,
            "10f5432d3c6e3baeb776464efe970a245eaf3b2c9fabfe73f45635a24b0dd145855f60011f8c030d940778da1495e591",
        ),
    ),
)
"""Three more, twice as large, that a page has beside the others if it was asked for."""


def find_runtime(
    folder: Path | None = None,
    *,
    kind: NamedModel | None = None,
    fetch: bool = True,
    progress: StageProgress | None = None,
) -> list[Path] | None:
    """The files: in a folder, such as node_modules/onnxruntime-web/dist, or in the cache, or fetched into it.

    Args:
        folder: That holds them; None: the cache of models.
        kind: `WEBGPU`, or `RUNTIME` if it is not given.
        fetch: Fetch what the cache lacks; else None is returned then.
        progress: Of fetching.

    Raises:
        MediaError: the folder does not hold these very files.
        DownloadError: they cannot be fetched.
    """
    kind = kind or RUNTIME
    if folder is None:
        first = find_cached(kind)
        if first is None and not fetch:
            return None
        try:
            first = first or fetch_model(kind, progress=progress)
        except DownloadError as error:
            raise DownloadError(_explain(kind, str(error).splitlines()[0])) from error
        return [first.parent / file.name for file in kind.files]  # which were checked on the way
    for file in kind.files:
        if not file.is_intact(folder / file.name):
            what = "is missing" if not (folder / file.name).is_file() else "is not the file of that version"
            raise MediaError(f"{folder / file.name} {what}; --runtime takes the folder dist of {RUNTIME.name}")
    return [folder / file.name for file in kind.files]


def _explain(kind: NamedModel, reason: str) -> str:
    """What to do where the network is closed."""
    addresses = "\n".join(f"  {file.url}\n    sha384 {file.sha384}" for file in kind.files)
    return (
        f"the page's runtime, {reason}\nBy hand: download on any computer\n{addresses}\n"
        f"into {find_cache_folder() / kind.name}, or into any folder, and give that by --runtime."
    )
