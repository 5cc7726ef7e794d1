"""`nimblepose web`: a page that runs a model in the browser, as static files."""

from pathlib import Path
from typing import Annotated

import typer

from nimblepose.cli import options as given


def web(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")],
    model: given.ModelOption = None,
    runtime: given.WebRuntimeOption = None,
    webgpu: Annotated[
        bool, typer.Option("--webgpu", help="Offer graphics cards, too, with the model in floats; 44 MB more.")
    ] = False,
    quiet: given.QuietOption = False,
) -> None:
    """Write a page that finds poses in pictures, videos and cameras in the browser: nothing is uploaded.

    Any host of static files serves it, by https or on this machine: `python -m http.server -d DIR`.

    Examples:
        nimblepose web --out site
        nimblepose web --out beetles --model beetle.onnx
        nimblepose web --out site --webgpu
    """
    from nimblepose.cli.progress import show_download_bar
    from nimblepose.runtime.backends import open_backend
    from nimblepose.runtime.models import find_model
    from nimblepose.web.runtime_files import WEBGPU, find_runtime
    from nimblepose.web.site import FloatModel, write_site

    with show_download_bar() as progress:
        path = find_model(model, progress=progress)
        files = find_runtime(runtime, progress=progress)
        more = find_runtime(runtime, kind=WEBGPU, progress=progress) if webgpu else None
    metadata = open_backend(path).metadata
    floats = None
    if more is not None:
        from nimblepose.convert.deploy.onnx_forms import read_floats

        weights, spec = read_floats(path)
        floats = FloatModel(weights, spec, more)
    write_site(out, path, metadata, files, webgpu=floats)
    if not quiet:
        size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
        print(f"{path.stem}: {metadata.skeleton.name}, {size / 1e6:.1f} MB\n-> {out / 'index.html'}")
