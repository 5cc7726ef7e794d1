"""`nimblepose data pick`: the frames worth labelling next."""

from pathlib import Path
from typing import Annotated

import typer

from nimblepose.cli import options as given

_OWN = "coco"  # written in any case


def data_pick(
    source: Annotated[str, typer.Argument(metavar="VIDEO", help="Video, or folder of pictures, that was predicted.")],
    results: Annotated[Path, typer.Argument(help="What was found in it: .jsonl, .json, .csv, .parquet.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to make, for pictures and labels.")] = Path("next"),
    count: Annotated[int, typer.Option(min=1, max=10_000, help="How many frames.")] = 20,
    to: Annotated[
        str,
        typer.Option(help="And for whom to correct them: dlc, slp, cvat, label-studio, labelme, yolo; in --out, too."),
    ] = _OWN,
    skeleton: Annotated[
        str | None,
        typer.Option("--skeleton", "-s", help="Of CSV of a skeleton of your own: a YAML or JSON file, or a name."),
    ] = None,
    seed: given.SeedOption = 0,
) -> None:
    """Take the frames that are worth labelling, with predictions as first labels.

    Those in which keypoints are weak, missing or jump, unlike each other and apart in time. Correct the labels, with
    --to in the tool that you know; `nimblepose data import --into` brings them into the recipe.

    Examples:
        nimblepose data pick film.mp4 out/film.poses.jsonl --out next
        nimblepose data pick film.mp4 out/film.poses.jsonl --to cvat
    """
    from nimblepose.core.errors import OptionError
    from nimblepose.core.skeleton import Skeleton
    from nimblepose.core.text import format_count
    from nimblepose.labels.converting import write_labels
    from nimblepose.labels.readers import coco
    from nimblepose.labels.sidecar import write_sidecar
    from nimblepose.labels.writers import find_format, find_writer
    from nimblepose.training.picked_set import write_picked

    writer = find_writer(to)
    if find_format(to) is not None:
        raise OptionError(f"--to {to} is a form of results; a tool to label with is asked for")
    own = None if skeleton is None else Skeleton.load(skeleton)
    picked = write_picked(source, results, out, count=count, seed=seed, skeleton=own)
    place = out / "annotations.json"
    print(f"-> {place}: {format_count(len(picked), 'frame', 'frames')} with predictions to correct")
    if to != _OWN:
        labels, place = coco.read(out), out / (f"labels{writer.ending}" if writer.ending else to)
        write_labels(labels, place, writer)
        write_sidecar(labels, place)
        print(f"-> {place}: the same for {writer.help}")
    print(f"then: nimblepose data import {place} --out corrected --into RECIPE.yaml")
