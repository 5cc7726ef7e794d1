"""`nimblepose data check`: is this data set fit to train on?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nimblepose.cli import options as given
from nimblepose.cli.contradictions import Given

if TYPE_CHECKING:
    from nimblepose.core.skeleton import Skeleton


def data_check(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Annotation files (*.json, *.json.gz) and pictures, or images/.")],
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
    seed: given.SeedOption = 0,
) -> None:
    """Find missing pictures, labels that lie elsewhere, swapped sides and more; exit code 1 if something is wrong.

    Examples:
        nimblepose data check coco/train2017
        nimblepose data check foxes --skeleton fox.yaml --sheet samples.png
    """
    from nimblepose.core.skeleton import BUILT_IN, Skeleton
    from nimblepose.data.check import check as find_faults
    from nimblepose.data.sets import locate_sets

    if sheet is None:
        Given.of(context).refuse(["samples", "seed"], "needs --sheet, the picture of the samples")
    if not read:
        Given.of(context).refuse(["max_pixels"], "no picture is decoded with --no-read; leave out one of them")
    faulty = False
    sets = [
        (annotations, images, Skeleton.load(skeleton) if skeleton else _find_skeleton(annotations))
        for annotations, images in locate_sets(folder)
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
    if sheet is not None and not faulty:
        from nimblepose.data.dataset import write_sheet

        shown = sets[0][2]
        write_sheet([(a, i) for a, i, s in sets if s == shown], shown, sheet, samples=samples, seed=seed)
        print(f"-> {sheet}")
    if faulty:
        raise typer.Exit(1)


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
