"""`nimblepose web`: a page that runs a model in the browser, as static files."""

from pathlib import Path
from typing import Annotated

import typer

from nimblepose.cli import options as given


def web(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")],
    model: given.ModelOption = None,
    runtime: given.WebRuntimeOption = None,
    quiet: given.QuietOption = False,
) -> None:
    """Write a page that finds poses in pictures, videos and cameras in the browser: nothing is uploaded.

    Any host of static files serves it, by https or on this machine: `python -m http.server -d DIR`.

    Examples:
        nimblepose web --out site
        nimblepose web --out beetles --model beetle.onnx
    """
    from nimblepose.cli.progress import show_download_bar
    from nimblepose.runtime.backends import open_backend
    from nimblepose.runtime.models import find_model
    from nimblepose.web.runtime_files import find_runtime
    from nimblepose.web.site import write_site

    with show_download_bar() as progress:
        path = find_model(model, progress=progress)
        files = find_runtime(runtime, progress=progress)
    metadata = open_backend(path).metadata
    write_site(out, path, metadata, files)
    if not quiet:
        size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
        print(f"{path.stem}: {metadata.skeleton.name}, {size / 1e6:.1f} MB\n-> {out / 'index.html'}")
