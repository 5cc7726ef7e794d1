"""`nimblepose data check`: is this data set fit to train on?"""

from pathlib import Path
from typing import Annotated

import typer

from nimblepose.cli.options import SeedOption, SkeletonOption


def data_check(
    folder: Annotated[Path, typer.Argument(help="Annotation files (*.json, *.json.gz) and pictures, or images/.")],
    skeleton: SkeletonOption = "human18",
    sheet: Annotated[
        Path | None, typer.Option(help="Draw samples with their targets into this picture (.png, .jpg).")
    ] = None,
    samples: Annotated[int, typer.Option(min=1, max=200, help="How many the sheet shows.")] = 12,
    read: Annotated[bool, typer.Option("--read/--no-read", help="Decode every picture, the slow part.")] = True,
    seed: SeedOption = 0,
) -> None:
    """Find missing pictures, labels that lie elsewhere, swapped sides and more; exit code 1 if something is wrong."""
    from nimblepose.core.skeleton import Skeleton
    from nimblepose.data.check import check, locate

    chosen, faulty = Skeleton.load(skeleton), False
    sets = locate(folder)
    for annotations, images in sets:
        found = check(annotations, images, chosen, read_pictures=read)
        print(f"{annotations}: {'no faults' if not found else f'{len(found)} kinds of faults'}")
        for finding in found:
            print(f"  {finding.severity}: {finding.kind}: {finding.count}: {finding.message}")
            for example in finding.examples:
                print(f"    {example}")
        faulty = faulty or any(finding.severity == "error" for finding in found)
    if sheet is not None and not faulty:
        from nimblepose.data.dataset import write_sheet

        write_sheet(sets, chosen, sheet, samples=samples, seed=seed)
        print(f"-> {sheet}")
    if faulty:
        raise typer.Exit(1)
