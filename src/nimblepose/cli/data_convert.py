"""`nimblepose data convert`: labels or results of one form -> another."""

from pathlib import Path
from typing import Annotated

import typer

from nimblepose.cli import options as given

_LISTED = 10


def data_convert(
    source: Annotated[Path, typer.Argument(metavar="A", help="Labels of any tool, or results.")],
    out: Annotated[Path, typer.Argument(metavar="B", help="File or folder to write.")],
    to: Annotated[
        str,
        typer.Option(
            "--to",
            help="Labels: coco, dlc, slp, cvat, label-studio, labelme, yolo. Results, a file per video: json, csv, "
            "parquet, coco-dataset, dlc-results, dlc-h5, slp-results, nwb, trc, c3d.",
        ),
    ],
    tool: given.FromOption = None,
    rate: Annotated[
        float | None, typer.Option(min=0.001, help="Frames per second, of labels that do not say when a frame was.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be lost; write nothing.")] = False,
    strict: given.StrictOption = False,
    quiet: given.QuietOption = False,
) -> None:
    """Write labels or results in another form, and say what that form cannot hold.

    Examples:
        nimblepose data convert mice.slp mice --to yolo --dry-run
        nimblepose data convert match.poses.jsonl out --to nwb
    """
    from collections import Counter

    from nimblepose.cli.progress import show_count_bar
    from nimblepose.core.errors import DataError, OptionError
    from nimblepose.core.text import format_count
    from nimblepose.labels.converting import add_times, stream_results, write_labels
    from nimblepose.labels.readers import find_reader, restore_kept
    from nimblepose.labels.readers.own import open_own
    from nimblepose.labels.sidecar import write_sidecar
    from nimblepose.labels.skipping import write_skipped
    from nimblepose.labels.writer import Fact, list_losses, tell_losses
    from nimblepose.labels.writers import find_format, find_writer
    from nimblepose.labels.writers.results import RATE

    writer, reader = find_writer(to), find_reader(source, tool)
    chosen = find_format(to)
    if not dry_run and out.exists() and out.samefile(source):
        raise OptionError(f"{out} is what is read, and would be overwritten: name another file or folder to write")
    if reader.name == "nimblepose" and chosen is not None and not dry_run and not strict and open_own(source).is_video:
        counts: Counter[Fact] = Counter()
        with show_count_bar("frames", 0, quiet=quiet) as show:
            path = stream_results(source, out, chosen, progress=show, counts=counts)
        if not quiet:
            for loss in tell_losses(counts, writer):
                print(f"  {loss}; {source} has them")
            print(f"-> {path}")
        return
    labels = restore_kept(reader.read(source), source)
    unknown = sum(picture.frame is not None and picture.time is None for picture in labels.pictures)
    if rate is not None:
        labels = add_times(labels, rate)
    losses = list_losses(labels, writer)
    if unknown and rate is None and chosen is not None:
        losses.append(
            f"times of {unknown} frames are not known: {RATE:g} frames per second are assumed; --rate says otherwise"
        )
    if not quiet or dry_run:
        print(
            f"{source}: {reader.help}, {format_count(len(labels.pictures), 'picture', 'pictures')}, "
            f"{format_count(labels.label_count, 'label', 'labels')}"
        )
        for loss in losses:
            print(f"  {loss}")
        for one in labels.skipped[:_LISTED]:
            print(f"  not taken: {one.file}: {one.reason}")
        if len(labels.skipped) > _LISTED:
            print(f"  and {len(labels.skipped) - _LISTED} more")
        if not losses and not labels.skipped:
            print("  nothing is lost")
    if strict and (losses or labels.skipped):
        raise DataError(f"--strict: {len(losses) + len(labels.skipped)} kinds of things would be lost")
    if dry_run:
        return
    written = write_labels(labels, out, writer)
    if losses:
        written.append(write_sidecar(labels, out))
    if labels.skipped:
        folder = out if out.is_dir() else out.parent
        write_skipped(labels.skipped, folder / "not_taken.csv")
    if not quiet:
        for path in written:
            print(f"-> {path}")
