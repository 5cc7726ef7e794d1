"""`nimblepose data pick`: the frames worth labelling next."""

from pathlib import Path
from typing import Annotated

import typer

from nimblepose.cli import options as given


def data_pick(
    source: Annotated[str, typer.Argument(metavar="VIDEO", help="Video, or folder of pictures, that was predicted.")],
    results: Annotated[Path, typer.Argument(help="What was found in it: .jsonl, .json, .csv, .parquet.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to make, for pictures and labels.")] = Path("next"),
    count: Annotated[int, typer.Option(min=1, max=10_000, help="How many frames.")] = 20,
    seed: given.SeedOption = 0,
) -> None:
    """Take the frames that are worth labelling, with predictions as first labels.

    Those in which keypoints are weak, missing or jump, unlike each other and apart in time. Correct the labels, then
    name the file in `data.annotations` of the recipe, beside those that are there.

    Examples:
        nimblepose data pick film.mp4 out/film.poses.jsonl --out next
    """
    from nimblepose.cli.progress import format_count
    from nimblepose.training.picked_set import write_picked

    picked = write_picked(source, results, out, count=count, seed=seed)
    print(f"-> {out / 'annotations.json'}: {format_count(len(picked), 'frame', 'frames')} with predictions to correct")
