"""`nimblepose data check`: is this data set fit to train on?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nimblepose.cli import options as given
from nimblepose.cli.contradictions import Given

if TYPE_CHECKING:
    from nimblepose.core.skeleton import Skeleton
    from nimblepose.training.recipe import Recipe


def data_check(
    context: typer.Context,
    folder: Annotated[
        Path | None,
        typer.Argument(help="Annotation files (*.json, *.json.gz) and pictures, or images/; --recipe names its own."),
    ] = None,
    skeleton: Annotated[
        str | None,
        typer.Option("--skeleton", "-s", help="A built-in name or a YAML file; without it, that of the category."),
    ] = None,
    sheet: Annotated[
        Path | None, typer.Option(help="Draw samples with their targets into this picture (.png, .jpg).")
    ] = None,
    samples: Annotated[int, typer.Option(min=1, max=200, help="How many the sheet shows.")] = 12,
    read: Annotated[bool, typer.Option("--read/--no-read", help="Decode every picture, the slow part.")] = True,
    max_pixels: given.MaxPixelsOption = 100_000_000,
    recipe: Annotated[
        Path | None,
        typer.Option(help="Check its data, and draw its own samples; says what it makes of subjects and keypoints."),
    ] = None,
    seed: given.SeedOption = 0,
) -> None:
    """Find missing pictures, labels that lie elsewhere, swapped sides and more; exit code 1 if something is wrong.

    Examples:
        nimblepose data check coco/train2017
        nimblepose data check foxes --skeleton fox.yaml --sheet samples.png
        nimblepose data check --recipe foxes.yaml --sheet samples.png
    """
    from nimblepose.core.skeleton import BUILT_IN, Skeleton
    from nimblepose.data.check import check as find_faults

    if sheet is None:
        Given.of(context).refuse(["samples", "seed"], "needs --sheet, the picture of the samples")
    if not read:
        Given.of(context).refuse(["max_pixels"], "no picture is decoded with --no-read; leave out one of them")
    faulty, loaded = False, _load_recipe(recipe) if recipe else None
    if loaded is not None and skeleton is None:
        skeleton = loaded.data.skeleton
    sets = [
        (annotations, images, Skeleton.load(skeleton) if skeleton else _find_skeleton(annotations))
        for annotations, images in _locate_sets(folder, loaded)
    ]
    for annotations, images, chosen in sets:
        found = find_faults(annotations, images, chosen, read_pictures=read, max_pixels=max_pixels)
        kinds = f"{len(found)} kind{'s' if len(found) > 1 else ''} of faults" if found else "no faults"
        whose = "" if skeleton or chosen.name in BUILT_IN else " of the file"
        print(f"{annotations}: skeleton {chosen.name!r}{whose}, {kinds}")
        for finding in found:
            print(f"  {finding.severity}: {finding.kind}: {finding.count}: {finding.message}")
            for example in finding.examples:
                print(f"    {example}")
        faulty = faulty or any(finding.severity == "error" for finding in found)
    if loaded is not None and not faulty:
        from nimblepose.training.recipe_check import check_recipe

        for line in check_recipe(loaded):
            print(f"{recipe}: warning: {line}")
    if sheet is not None and not faulty:
        from nimblepose.data.dataset import write_sheet

        shown = sets[0][2]
        there = [(a, i) for a, i, s in sets if s == shown]
        if loaded is not None:
            there = there[: len(loaded.data.annotations)]  # without those that it is validated with
        options = loaded.sample_options if loaded else None
        write_sheet(there, shown, sheet, samples=samples, seed=seed, options=options)
        print(f"-> {sheet}")
    if faulty:
        raise typer.Exit(1)


def _load_recipe(path: Path) -> "Recipe":
    from nimblepose.training.recipe import load_recipe

    return load_recipe(path)


def _locate_sets(folder: Path | None, recipe: "Recipe | None") -> list[tuple[Path, Path]]:
    """Annotation files and pictures: those of a recipe, those to validate with last; or those of a folder.

    Raises:
        OptionError: neither is given.
    """
    from nimblepose.core.errors import OptionError
    from nimblepose.data.sets import locate_sets

    if recipe is not None and folder is not None:
        raise OptionError("a recipe names its own pictures: give either the folder, or --recipe")
    if recipe is not None:
        val, data = recipe.validation, recipe.data
        pairs = [
            *zip(data.annotations, data.images, strict=True),
            *([(val.annotations, val.images)] * bool(val.annotations)),
        ]
        return [(Path(annotations), Path(images)) for annotations, images in pairs]
    if folder is None:
        raise OptionError("give the folder of annotated pictures, or --recipe, whose pictures are checked")
    return locate_sets(folder)


def _find_skeleton(annotations: Path) -> "Skeleton":
    """That of the file; where it has none that is one, the usual one, so that the check says what differs."""
    from nimblepose.core.errors import PoseError
    from nimblepose.core.skeleton import HUMAN_18
    from nimblepose.data.categories import find_skeleton
    from nimblepose.data.coco import read_json

    try:
        return find_skeleton(read_json(annotations), annotations)
    except PoseError:
        return HUMAN_18
