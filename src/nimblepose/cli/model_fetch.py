"""`nimblepose model fetch`: models into the cache, verified."""

from typing import Annotated

import typer

from nimblepose.cli.options import list_models


def model_fetch(
    names: Annotated[list[str], typer.Argument(autocompletion=list_models, help="Names from `nimblepose model list`.")],
) -> None:
    """Fetch models into the cache, verified by checksum, and print where they lie.

    Examples:
        nimblepose model fetch human-pose-estimation-0001
    """
    from nimblepose.cli.progress import show_download_bar
    from nimblepose.core.errors import OptionError
    from nimblepose.runtime.models import MODELS, PACKAGED, STARTS, fetch_model, find_model

    for name in names:
        if name in PACKAGED:
            print(find_model(name))
            continue
        if name in STARTS:
            print(STARTS[name].path)
            continue
        if name not in MODELS:
            raise OptionError(f"no model is called {name!r}; known are {', '.join([*PACKAGED, *STARTS, *MODELS])}")
        with show_download_bar() as progress:
            path = fetch_model(MODELS[name], progress=progress)
        print(path)
