"""`nimblepose serve`: poses by HTTP, and live frames by a WebSocket."""

import dataclasses
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Literal

import typer

from nimblepose.cli import options as given

_LIMITS, _ACCESS = "Limits", "Who may ask"


def serve(
    host: Annotated[
        str, typer.Option(help="Address to serve at; without a key only this machine's own.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8080,
    model: given.ModelOption = None,
    quality: given.QualityOption = None,
    threads: given.ThreadsOption = 0,
    processes: Annotated[int, typer.Option(min=1, help="Processes that share the address, and the cores.")] = 1,
    queue: Annotated[int, typer.Option(min=0, rich_help_panel=_LIMITS, help="Pictures that may wait.")] = 32,
    max_bytes: Annotated[str, typer.Option(rich_help_panel=_LIMITS, help="Of a request, such as 10MB.")] = "10MB",
    max_pixels: given.MaxPixelsOption = 25_000_000,
    timeout: Annotated[float, typer.Option(rich_help_panel=_LIMITS, help="Seconds to an answer.")] = 10.0,
    body_timeout: Annotated[
        float, typer.Option(rich_help_panel=_LIMITS, help="Seconds for a request to arrive.")
    ] = 10.0,
    streams: Annotated[int, typer.Option(min=0, rich_help_panel=_LIMITS, help="Streams at a time.")] = 8,
    cors: Annotated[
        list[str] | None,
        typer.Option(
            rich_help_panel=_ACCESS, help="Origin whose pages may ask, such as https://example.org; repeat it."
        ),
    ] = None,
    api_key_file: Annotated[
        Path | None,
        typer.Option(rich_help_panel=_ACCESS, help="File of keys, one a line; or the variable NIMBLEPOSE_API_KEY."),
    ] = None,
    open_to_all: Annotated[
        bool, typer.Option("--open", rich_help_panel=_ACCESS, help="Serve other machines without a key.")
    ] = False,
    runtime: given.WebRuntimeOption = None,
    log: Annotated[Literal["text", "json"], typer.Option(help="Form of the lines on standard error.")] = "text",
) -> None:
    """Serve poses: pictures by HTTP (POST /v1/poses), live frames by a WebSocket, KServe V2; see /docs there.

    Ctrl-C, or SIGTERM, answers whoever waits and ends. docs/serving.md has a systemd unit, a container file, clients.

    Examples:
        nimblepose serve
        nimblepose serve --host 0.0.0.0 --api-key-file keys.txt --threads 4
        nimblepose serve --quality fast --queue 8 --log json
    """
    from nimblepose.core.optional import import_optional

    for package in ("starlette", "uvicorn", "httptools", "websockets", "python_multipart"):
        import_optional(package, "a server")
    from nimblepose.cli.progress import show_download_bar
    from nimblepose.core.share import count_usable_cores
    from nimblepose.runtime.backends import open_backend
    from nimblepose.runtime.models import find_model
    from nimblepose.serve.options import ServeOptions, parse_bytes, read_keys
    from nimblepose.serve.running import serve as run
    from nimblepose.web.runtime_files import find_runtime
    from nimblepose.web.site import write_site

    with show_download_bar() as progress:
        path = find_model(model, progress=progress)
    options = ServeOptions(
        model=model,
        quality=quality,
        host=host,
        port=port,
        threads=threads or max(1, count_usable_cores() // processes),
        queue=queue,
        max_bytes=parse_bytes(max_bytes),
        max_pixels=max_pixels,
        timeout=timeout,
        body_timeout=body_timeout,
        streams=streams,
        cors=tuple(cors or ()),
        keys=read_keys(api_key_file),
        open=open_to_all,
        processes=processes,
        log=log,
    )
    with tempfile.TemporaryDirectory(prefix="nimblepose") as page:
        files = find_runtime(runtime, fetch=False) if path.suffix == ".onnx" else None
        write_site(Path(page), path, open_backend(path, threads=1).metadata, files, server=True)
        options = dataclasses.replace(options, page=Path(page))
        run(options, tell=lambda address: print(f"nimblepose: serving at {address}", file=sys.stderr, flush=True))
