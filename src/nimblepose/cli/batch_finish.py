"""`nimblepose batch finish`: from parts to results."""

from pathlib import Path
from typing import Annotated

import typer

from nimblepose.cli import options as given
from nimblepose.cli.batch_run import BatchArgument, ShardOption, WorkersOption


def batch_finish(
    batch: BatchArgument,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for all results; without it, results in the batch.")
    ] = None,
    formats: given.FormatOption = given.OWN_FORMAT,
    smooth: given.SmoothOption = "live",
    max_gap: Annotated[float, typer.Option(min=0, help="Seconds out of sight that keep an identity.")] = 3.0,
    workers: WorkersOption = 0,
    shard: ShardOption = "0/1",
    quiet: given.QuietOption = False,
) -> None:
    """Give people identities over all pieces, and write the files that track and predict make of the whole.

    Finished again, what is there stays. What went wrong is in failures.jsonl, figures are in summary.json.

    Examples:
        nimblepose batch finish work --format json,parquet
        nimblepose batch finish work --smooth offline --out results
    """
    from nimblepose.batch.assembly import Assembly
    from nimblepose.batch.finishing import FinishOptions
    from nimblepose.batch.processes import Workers
    from nimblepose.batch.stores import open_store
    from nimblepose.batch.units import parse_shard
    from nimblepose.cli.progress import show_stages_bar
    from nimblepose.cli.videos import finish
    from nimblepose.core.share import count_usable_cores
    from nimblepose.core.text import format_count

    part = parse_shard(shard)
    store = open_store(batch)
    assembly = Assembly(store, FinishOptions(formats=",".join(formats), smoothing=smooth, max_gap=max_gap), out=out)
    engine, ended = Workers(workers or count_usable_cores()), False
    try:
        with show_stages_bar(quiet=quiet) as tell:
            finished = assembly.do(engine, lambda done, total: tell("finish", done, total), shard=part)
            ended = True
    finally:
        engine.close(at_once=not ended)
    if not quiet:
        print(
            f"{format_count(finished.videos, 'video', 'videos')} with "
            f"{format_count(finished.frames, 'frame', 'frames')}, "
            f"{format_count(finished.pictures, 'picture', 'pictures')}: {format_count(finished.files, 'file', 'files')}"
        )
    finish(finished.failures, interrupted=False)
