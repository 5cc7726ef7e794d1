"""`nimblepose data recipe`: a recipe and a skeleton that fit annotated pictures."""

from pathlib import Path
from typing import Annotated

import typer

from nimblepose.cli import options as given


def data_recipe(
    folder: Annotated[
        Path,
        typer.Argument(help="Annotated pictures: train/ and val/ in it, or files with train and val in their names."),
    ],
    out: given.FileOption = Path("recipe.yaml"),
    skeleton: Annotated[
        str | None,
        typer.Option("--skeleton", "-s", help="A built-in name or a YAML file; without it, one is made of the labels."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Of the run; without it, that of the folder.")] = None,
    licence: given.LicenceOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
) -> None:
    """Write a recipe that fits the pictures, with the reason of every choice; then `nimblepose train` it.

    The skeleton is written beside it, unless one is given. Look at `nimblepose data check --recipe` before you train.

    Examples:
        nimblepose data recipe mice --out mice.yaml
        nimblepose data recipe foxes --skeleton fox.yaml --licence MIT
    """
    from nimblepose.training.recipe_writing import write_fitting_recipe

    written = write_fitting_recipe(folder, out, skeleton=skeleton, name=name, licence=licence or "unknown", force=force)
    for line in written.remarks:
        print(f"warning: {line}")
    for path in written.files:
        print(f"-> {path}")
    print(f"look: nimblepose data check --recipe {out} --sheet sheet.jpg")
    print(f"then: nimblepose train {out}")
