"""`nimblepose skeleton sigmas`: OKS sigmas from people who were annotated twice."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from nimblepose.evaluation.sigmas import SigmaEstimate


def skeleton_sigmas(
    annotations: Annotated[Path, typer.Argument(metavar="FILE", help="COCO keypoint file, .json or .json.gz.")],
    again: Annotated[
        Path | None,
        typer.Argument(metavar="[OTHER]", help="The same people by another annotator; without it, twice in FILE."),
    ] = None,
    skeleton: Annotated[
        str | None, typer.Option("--skeleton", "-s", help="Built-in name or file; without it, that of FILE's category.")
    ] = None,
) -> None:
    """Estimate OKS sigmas, which AP measures by; without them 0.06 is taken, and that is a guess.

    Examples:
        nimblepose skeleton sigmas annotations.json
        nimblepose skeleton sigmas one.json other.json --skeleton fox.yaml
    """
    from nimblepose.core.skeleton import GUESSED_SIGMA, Skeleton
    from nimblepose.data.categories import find_skeleton
    from nimblepose.data.coco import build_records, read_json
    from nimblepose.evaluation.sigmas import estimate_sigmas

    files = [(path, read_json(path)) for path in (annotations, again) if path is not None]
    chosen = Skeleton.load(skeleton) if skeleton else find_skeleton(files[0][1], annotations)
    records = [build_records(coco, Path(), chosen, path) for path, coco in files]
    found = estimate_sigmas(*records, skeleton=chosen)
    if not found.people:
        print(
            f"nobody is annotated twice, so OKS sigmas cannot be estimated. Without them each is taken as "
            f"{GUESSED_SIGMA}: that is a guess, and AP will not compare with other work."
        )
        raise typer.Exit(1)
    _print_table(found)


def _print_table(found: "SigmaEstimate") -> None:
    from rich.console import Console
    from rich.table import Table

    from nimblepose.evaluation.sigmas import ENOUGH

    names = found.skeleton.annotated
    table = Table("keypoint", "OKS sigma", "pairs", title=f"{found.people} people annotated twice")
    for name, value, pairs in zip(names, found.oks_sigmas, found.pairs, strict=True):
        table.add_row(name, f"{value:.4f}" if pairs else "unknown", str(pairs))
    console = Console()
    console.print(table)
    few = [name for name, pairs in zip(names, found.pairs, strict=True) if pairs < ENOUGH]
    if few:
        console.print(f"fewer than {ENOUGH} pairs, so hardly more than a guess: {', '.join(few)}", highlight=False)
    print("oks_sigmas:  # for the skeleton's YAML file")
    for name, value, pairs in zip(names, found.oks_sigmas, found.pairs, strict=True):
        print(f"  {name}: {value:.4f}" if pairs else f"  # {name}: unknown")
    for name, sources in found.skeleton.derived.items():
        print(f"  # {name}: derived from {', '.join(sources)}; take theirs")
