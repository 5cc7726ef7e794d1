"""`nimblepose predict`: pictures and videos in, annotated ones and poses out."""

import dataclasses
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from nimblepose.cli import options as given
from nimblepose.cli.contradictions import DRAWING, Given, check_folder
from nimblepose.cli.interrupts import stop_on_signals
from nimblepose.cli.loading import EstimatorOptions
from nimblepose.cli.videos import VideoChoices, finish, run_videos, say_notes

if TYPE_CHECKING:
    from nimblepose.cli.window import Window
    from nimblepose.results.picture_run import PictureRun

_OF_VIDEOS = ("track", "smooth", "every", "start", "end", "trails")
_OF_PICTURES = ("any_way_up", "looks", "max_pixels")
_STOPPING = "stopping; the files are completed"


def predict(
    context: typer.Context,
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...",
            help="Pictures, videos, folders, patterns in quotes, http(s) and rtsp addresses, 0 for a camera, "
            "- for a video on standard input.",
        ),
    ],
    model: given.ModelOption = None,
    backend: given.BackendOption = "auto",
    threads: given.ThreadsOption = 0,
    quality: given.QualityOption = None,
    input_height: given.PassHeightOption = None,
    min_score: given.MinScoreOption = None,
    max_people: given.MaxPeopleOption = 0,
    flip: given.FlipOption = False,
    scales: given.ScalesOption = given.ONE_SCALE,
    any_way_up: given.AnyWayOption = False,
    complete: given.CompleteOption = False,
    out: given.OutOption = None,
    formats: given.FormatOption = given.OWN_FORMAT,
    pictures: given.PicturesOption = True,
    canvas: given.CanvasOption = "picture",
    colour_by: given.ColourOption = "auto",
    line_width: given.LineWidthOption = 1.0,
    scores: given.ScoresOption = False,
    boxes: given.BoxesOption = False,
    errors: given.ErrorsOption = False,
    looks: given.LooksOption = False,
    trails: given.TrailsOption = 0.0,
    blur_faces: given.BlurOption = False,
    track: Annotated[
        bool, typer.Option("--track/--no-track", rich_help_panel="Videos", help="Give people identities.")
    ] = True,
    smooth: given.SmoothOption = "live",
    every: given.EveryOption = 1,
    start: given.StartOption = "0",
    end: given.EndOption = None,
    resume: given.ResumeOption = False,
    show: given.ShowOption = False,
    rotate: given.RotateOption = "0",
    value_range: given.RangeOption = "auto",
    max_pixels: given.MaxPixelsOption = 100_000_000,
    quiet: given.QuietOption = False,
) -> None:
    """Find people in pictures and videos; write `NAME.poses.jpg` or `.mp4` and a JSON next to them, or into --out.

    A file that cannot be read does not stop the others: it is listed at the end, and the exit code is 1.

    Examples:
        nimblepose predict photo.jpg
        nimblepose predict 'photos/**/*.jpg' --out results --format json,csv
        nimblepose predict crowd.jpg --quality best --scores
        nimblepose predict match.mp4 --no-track --every 5
    """
    from nimblepose.cli import window
    from nimblepose.core.errors import OptionError
    from nimblepose.core.files import make_folder
    from nimblepose.drawing.people import DrawOptions
    from nimblepose.media.levels import parse_levels
    from nimblepose.media.sources import is_recorded
    from nimblepose.results.collecting import collect_all
    from nimblepose.results.formats import parse_formats
    from nimblepose.results.picture_run import PictureRun
    from nimblepose.results.picture_sink import PictureSink, SinkOptions

    asked = Given.of(context)
    if not pictures and not show:
        asked.refuse(DRAWING, "nothing is drawn with --no-pictures; leave that out, or these")
    if not track:
        asked.refuse([*(["smooth"] if smooth != "off" else []), "trails"], "needs identities; leave out --no-track")
    if quality is not None:
        asked.refuse(["scales"], "average a single pass, and --quality looks again; leave out one of them")
    check_folder(out)
    levels = parse_levels(value_range)
    estimating = EstimatorOptions(
        model=model,
        backend=backend,
        threads=threads,
        quality=quality,
        input_height=input_height,
        min_score=min_score,
        flip=flip,
        scales=given.parse_scales(scales),
        max_people=max_people,
        any_way_up=any_way_up,
        complete=complete,
        find_heads=blur_faces,
    )
    draw = DrawOptions(
        colour_by="person" if colour_by == "person" else "limb",
        show_scores=scores,
        show_boxes=boxes,
        show_errors=errors,
        show_looks=looks,
        blur_faces=blur_faces,
    )
    draw = given.scale_lines(draw, line_width)
    options = SinkOptions(
        out=out, formats=parse_formats(",".join(formats)), pictures=pictures, draw=draw, canvas=canvas, show=show,
        rotation=int(rotate), resume=resume,
    )  # fmt: skip
    videos = VideoChoices(
        formats=options.formats, video=pictures, draw=draw, colour_by=colour_by, trails=trails, track=track,
        smooth=smooth if track else "off", every=every, start=start, end=end, canvas=canvas, resume=resume, show=show,
        levels=levels, rotation=int(rotate),
    ).to_options()  # fmt: skip
    collected, interrupted = collect_all(sources), False
    found, moving, failures = list(collected.pictures), list(collected.videos), collected.failures
    say_notes(collected.notes, quiet=quiet)
    if found and not moving:
        asked.refuse(
            _OF_VIDEOS, "is for videos, and all sources are pictures; `nimblepose track` takes them for frames"
        )
    if moving and not found:
        asked.refuse(_OF_PICTURES, "is for pictures, and all sources are videos")
    if complete and moving:
        raise OptionError(
            f"--complete is for pictures, {moving[0]} is a video; there the frames before and after know better: "
            "--smooth offline"
        )
    if found or moving:
        estimator, path = estimating.load(streaming=len(found) > 1 or any(map(is_recorded, moving)))
        for chosen in options.formats:
            chosen.check_skeleton(estimator.skeleton)
        if out:
            make_folder(out)
    if found:
        if len(found) > 1 or resume:  # who begins anew with one picture has nothing to go on from
            conditions = {**estimating.picture_conditions(path), "range": value_range, "max_pixels": max_pixels}
            options = dataclasses.replace(options, conditions=conditions)
        sink = PictureSink(found, options, model=path.stem, among_videos=bool(moving))
        run = PictureRun(estimator, found, sink, max_pixels=max_pixels, levels=levels)
        with window.Window("nimblepose") if show else nullcontext() as view:
            failed, interrupted = _run(run, len(found), view, quiet=quiet)
        failures |= failed
    if moving and not interrupted:
        outcome = run_videos(estimator.for_frames(), moving, out, videos, estimating.conditions(path), quiet=quiet)
        failures, interrupted = failures | outcome.failures, outcome.interrupted
    finish(failures, interrupted)


def _run(run: "PictureRun", count: int, view: "Window | None", *, quiet: bool) -> tuple[dict[str, str], bool]:
    """From the first picture to the last file; returns what failed, and whether Ctrl-C left pictures out.

    Who closes the window has seen enough pictures: those left out then are no interruption.

    Interrupted, it still writes about the pictures that are done.
    """
    from nimblepose.cli.progress import show_picture_bar
    from nimblepose.core.text import format_count

    failures, done, people, interrupted, closed = {}, 0, 0, False, False
    try:
        with show_picture_bar(count, quiet=quiet) as progress, stop_on_signals(run.stop, _STOPPING):
            for outcome in progress.track(run, total=count, description="predict"):
                if outcome.failure is not None:
                    failures[outcome.source] = outcome.failure
                    continue
                done, people = done + 1, people + outcome.people
                if count == 1 and not quiet:
                    found = format_count(outcome.people, "person", "people")
                    print(f"{outcome.source}: {found}", *(f"-> {path}" for path in outcome.written))
                if view is not None and outcome.shown is not None and not run.stopped:
                    closed = not (view.show(outcome.shown) and view.wait(lambda: run.stopped))
                    if closed:
                        run.stop()
    except KeyboardInterrupt:
        interrupted = True
    with stop_on_signals(run.stop, _STOPPING):  # it may be a hurry now, but these are all the results
        about = run.finish()
    if not quiet and count > 1:
        print(f"{format_count(done, 'picture', 'pictures')}, {format_count(people, 'person', 'people')}")
    if not quiet:
        print("".join(f"-> {path}\n" for path in about), end="")
    return failures | run.failures, interrupted or (run.stopped and not closed)
