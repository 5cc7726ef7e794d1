"""`nimblepose batch plan`: what is to be done of many videos and pictures, written down."""

from typing import Annotated

import typer

from nimblepose.cli import options as given
from nimblepose.cli.loading import EstimatorOptions
from nimblepose.cli.options import parse_part
from nimblepose.cli.videos import finish, say_notes


def batch_plan(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Videos, pictures, folders, patterns in quotes, addresses (s3, gs, http, ...); .txt and .csv files "
            "that list those."
        ),
    ],
    out: Annotated[str, typer.Option("--out", "-o", help="Folder or address for plan, parts and results.")],
    model: given.ModelOption = None,
    backend: given.BackendOption = "auto",
    quality: given.QualityOption = None,
    input_height: given.PassHeightOption = None,
    min_score: given.MinScoreOption = None,
    max_people: given.MaxPeopleOption = 0,
    flip: given.FlipOption = False,
    scales: given.ScalesOption = given.ONE_SCALE,
    any_way_up: given.AnyWayOption = False,
    complete: given.CompleteOption = False,
    seconds: Annotated[float, typer.Option(min=1, help="Of video that are done at a time, about.")] = 60.0,
    pictures: Annotated[int, typer.Option(min=1, help="That are done at a time.")] = 200,
    every: given.EveryOption = 1,
    start: given.StartOption = "0",
    end: given.EndOption = None,
    value_range: given.RangeOption = "auto",
    max_pixels: given.MaxPixelsOption = 100_000_000,
    quiet: given.QuietOption = False,
) -> None:
    """Plan a batch: list what is there, cut videos into pieces and pictures into groups; nothing is looked at yet.

    Planned again with the same options, what is new comes to it, and what is done stays; other options are refused.

    Examples:
        nimblepose batch plan videos/ 'photos/**/*.jpg' --out work
        nimblepose batch plan list.csv --out work --every 2 --seconds 120
        nimblepose batch plan 's3://videos/*.mp4' --out s3://bucket/work
    """
    from nimblepose import __version__
    from nimblepose.batch.listing import list_sources
    from nimblepose.batch.manifest import Settings
    from nimblepose.batch.planning import is_there, plan
    from nimblepose.batch.stores import open_store
    from nimblepose.cli.progress import show_download_bar, show_stages_bar
    from nimblepose.core.errors import OptionError
    from nimblepose.core.text import format_count
    from nimblepose.media.levels import parse_levels
    from nimblepose.runtime.models import find_model

    begin, stop = parse_part(start, end)
    listed = list_sources(sources)
    if complete and listed.videos:
        raise OptionError(f"--complete is for pictures, {next(iter(listed.videos))} is a video")
    with show_download_bar() as progress:
        path = find_model(model, progress=progress)
    estimating = EstimatorOptions(
        model=model, backend=backend, threads=1, quality=quality, input_height=input_height, min_score=min_score,
        flip=flip, scales=given.parse_scales(scales), max_people=max_people, any_way_up=any_way_up, complete=complete,
    )  # fmt: skip
    videos = estimating.conditions(path)
    settings = Settings(
        model=str(path.absolute()),
        sha256=videos["model"],
        estimating={
            "backend": videos["backend"], "quality": quality, "input_height": input_height, "flip": flip,
            "scales": list(estimating.scales), "any_way_up": any_way_up, "min_score": min_score,
            "max_poses": max_people, "complete": complete,
        },
        videos=videos,
        pictures=estimating.picture_conditions(path),
        every=every,
        start=begin,
        end=stop,
        levels=parse_levels(value_range),
        max_pixels=max_pixels,
        seconds=seconds,
        group=pictures,
        version=__version__,
    )  # fmt: skip
    store = open_store(out)
    with show_stages_bar(quiet=quiet) as tell:
        manifest = plan(listed, settings, tell=tell)
    manifest.write(store)
    say_notes(listed.notes, quiet=quiet)
    if not quiet:
        readable = [video for video in manifest.videos if video.cuts]
        count, hours = sum(len(g.pictures) for g in manifest.groups), sum(v.duration or 0 for v in readable) / 3600
        units = sum(1 for _ in manifest.iterate_units())
        print(
            f"{format_count(len(readable), 'video', 'videos')} ({hours:.2f} h), "
            f"{format_count(count, 'picture', 'pictures')}: {format_count(units, 'unit', 'units')}\n-> {store.address}"
        )
    planned = (source for group in manifest.groups for source in group.pictures)
    gone = {source.name: f"{source.name}: no such file" for source in planned if not is_there(source)}
    unread = {video.source.name: str(video.failure) for video in manifest.videos if video.failure}
    finish({**manifest.failures, **gone, **unread}, interrupted=False)
