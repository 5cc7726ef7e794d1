"""The runtime of the page, ONNX Runtime Web: three files that are not in the package, known by their checksums."""

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


def find_runtime(
    folder: Path | None = None, *, fetch: bool = True, progress: StageProgress | None = None
) -> list[Path] | None:
    """The three files: in a folder, such as node_modules/onnxruntime-web/dist, or in the cache, or fetched into it.

    Args:
        folder: That holds them; None: the cache of models.
        fetch: Fetch what the cache lacks; else None is returned then.
        progress: Of fetching.

    Raises:
        MediaError: the folder does not hold these very files.
        DownloadError: they cannot be fetched.
    """
    if folder is None:
        first = find_cached(RUNTIME)
        if first is None and not fetch:
            return None
        try:
            first = first or fetch_model(RUNTIME, progress=progress)
        except DownloadError as error:
            raise DownloadError(_explain(str(error).splitlines()[0])) from error
        return [first.parent / file.name for file in RUNTIME.files]  # which were checked on the way
    for file in RUNTIME.files:
        if not file.is_intact(folder / file.name):
            what = "is missing" if not (folder / file.name).is_file() else "is not the file of that version"
            raise MediaError(f"{folder / file.name} {what}; --runtime takes the folder dist of {RUNTIME.name}")
    return [folder / file.name for file in RUNTIME.files]


def _explain(reason: str) -> str:
    """What to do where the network is closed."""
    addresses = "\n".join(f"  {file.url}\n    sha384 {file.sha384}" for file in RUNTIME.files)
    return (
        f"the page's runtime could not be fetched: {reason}\nBy hand: download on any computer\n{addresses}\n"
        f"into {find_cache_folder() / RUNTIME.name}, or into any folder, and give that by --runtime."
    )
