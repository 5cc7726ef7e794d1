"""`nimblepose model list` and `nimblepose model fetch`."""

from typing import Annotated

import typer


def list_models() -> None:
    """Print the models that can be asked for by name, and which of them are here."""
    from rich.console import Console
    from rich.table import Table

    from nimblepose.runtime.models import DEFAULT_MODEL, MODELS, PACKAGED, cache_folder, cached

    table = Table("name", "what", "licence", "MB", "here")
    for name, packaged in PACKAGED.items():
        default = " (default)" if name == DEFAULT_MODEL else ""
        size = f"{packaged.path.stat().st_size / 1e6:.1f}" if packaged.path.is_file() else "?"
        state = "in the package" if packaged.is_intact() else "DAMAGED: install nimblepose again"
        table.add_row(name + default, packaged.description, packaged.licence, size, state)
    for name, model in MODELS.items():
        here = "yes" if cached(model) else "no"
        table.add_row(name, model.description, model.licence, f"{model.size / 1e6:.1f}", here)
    console = Console()
    console.print(table)
    console.print(f"cache: {cache_folder()}", markup=False, soft_wrap=True)


def fetch(
    names: Annotated[list[str], typer.Argument(help="Names from `nimblepose model list`.")],
) -> None:
    """Fetch models into the cache, verified by checksum, and print where they lie."""
    from nimblepose.cli.progress import download_bar
    from nimblepose.core.errors import ModelError
    from nimblepose.runtime.models import MODELS, PACKAGED, fetch_model, find_model

    for name in names:
        if name in PACKAGED:
            print(find_model(name))
            continue
        if name not in MODELS:
            raise ModelError(f"no model is called {name!r}; known are {', '.join([*PACKAGED, *MODELS])}")
        with download_bar() as progress:
            path = fetch_model(MODELS[name], progress=progress)
        print(path)
