"""`nimblepose batch run`: find who is in all that was planned, on all cores, or on many machines."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from nimblepose.cli import options as given

if TYPE_CHECKING:
    from nimblepose.batch.driving import Engine

BatchArgument = Annotated[str, typer.Argument(metavar="DIR", help="Folder or address of a planned batch.")]
WorkersOption = Annotated[int, typer.Option(min=0, help="Processes; 0: one per usable core, or all that Ray has.")]
ShardOption = Annotated[
    str, typer.Option(metavar="I/N", help="Only the I-th of N parts, I from 0 on: for job arrays and indexed jobs.")
]


def batch_run(
    batch: BatchArgument,
    engine: Annotated[Literal["local", "ray"], typer.Option(help="What calls the workers.")] = "local",
    workers: WorkersOption = 0,
    shard: ShardOption = "0/1",
    address: Annotated[
        str | None, typer.Option(help="Of a Ray cluster, such as 10.0.0.1:6379; without it Ray is started here.")
    ] = None,
    retries: Annotated[
        int, typer.Option(min=1, help="Processes that a unit may cost before it is halved, then each half.")
    ] = 2,
    again: Annotated[bool, typer.Option("--again", help="Also do what has failed before.")] = False,
    quiet: given.QuietOption = False,
) -> None:
    """Do all units of a batch that are not done; run again, it goes on where it was, whatever ended it.

    Ctrl-C ends when the units under way are done. Several runs at a time share the work.

    Examples:
        nimblepose batch run work
        nimblepose batch run work --shard 3/100
        nimblepose batch run work --engine ray --address 10.0.0.1:6379
    """
    from nimblepose.batch.driving import Run
    from nimblepose.batch.progress import list_missing
    from nimblepose.batch.stores import open_store
    from nimblepose.batch.units import parse_shard
    from nimblepose.cli.batch_bar import show_batch_bar
    from nimblepose.cli.interrupts import stop_on_signals
    from nimblepose.cli.videos import finish
    from nimblepose.core.errors import OptionError
    from nimblepose.core.text import format_count

    if address is not None and engine != "ray":
        raise OptionError("--address is of a Ray cluster: add --engine ray")
    store = open_store(batch)
    manifest, units = list_missing(store, again=again, shard=parse_shard(shard))
    if not units:
        if not quiet:
            print("nothing is left to do")
        return
    driver = _start(engine, workers, address)
    run = Run(store, manifest.settings, driver, retries=retries)
    ended = False
    try:
        with show_batch_bar(len(units), quiet=quiet) as tell, stop_on_signals(run.stop, "stopping when these are done"):
            outcome = run.do(units, len(units), tell)
            ended = True
    finally:
        driver.close(at_once=not ended)
    if not quiet:
        damaged = f", {format_count(outcome.damaged, 'picture', 'pictures')} unreadable" if outcome.damaged else ""
        frames = format_count(outcome.frames, "frame", "frames")
        print(f"{outcome.done} of {format_count(outcome.total, 'unit', 'units')}, {frames}{damaged}")
    finish(outcome.failed, interrupted=outcome.done < outcome.total)


def _start(engine: str, workers: int, address: str | None) -> "Engine":
    from nimblepose.batch.processes import Workers
    from nimblepose.core.share import count_usable_cores

    if engine == "ray":
        from nimblepose.batch.ray_engine import RayEngine

        return RayEngine(workers, address=address)
    return Workers(workers or count_usable_cores())
