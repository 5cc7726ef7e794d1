"""`nimblepose track`: one video after the other in, people with identities out."""

from typing import Annotated

import typer

from nimblepose.cli import options as given
from nimblepose.cli.contradictions import DRAWING, Given, check_folder
from nimblepose.cli.loading import EstimatorOptions
from nimblepose.cli.videos import VideoChoices, finish, run_videos, say_notes


def track(
    context: typer.Context,
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...",
            help="Videos, animations, folders and patterns in quotes (of videos, or of frames), rtsp and http(s) "
            "addresses, 0 for a camera, - for standard input.",
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
    out: given.OutOption = None,
    formats: given.FormatOption = given.OWN_FORMAT,
    video: Annotated[bool, typer.Option("--video/--no-video", help="Write the annotated video.")] = True,
    canvas: given.CanvasOption = "picture",
    colour_by: given.ColourOption = "auto",
    line_width: given.LineWidthOption = 1.0,
    scores: given.ScoresOption = False,
    boxes: given.BoxesOption = False,
    errors: given.ErrorsOption = False,
    trails: given.TrailsOption = 1.5,
    blur_faces: given.BlurOption = False,
    smooth: given.SmoothOption = "live",
    max_gap: Annotated[
        float, typer.Option(min=0, rich_help_panel="Videos", help="Seconds out of sight that keep an identity.")
    ] = 3.0,
    every: given.EveryOption = 1,
    start: given.StartOption = "0",
    end: given.EndOption = None,
    fps: given.RateOption = 25.0,
    resume: given.ResumeOption = False,
    show: given.ShowOption = False,
    rotate: given.RotateOption = "0",
    value_range: given.RangeOption = "auto",
    quiet: given.QuietOption = False,
) -> None:
    """Follow people through videos; write `NAME.poses.mp4` and `NAME.poses.jsonl` next to them, or into --out.

    Ctrl-C completes the files with what was seen so far; --resume goes on from there, or from where a run was killed.

    Examples:
        nimblepose track match.mp4
        nimblepose track match.mp4 --start 1:30 --end 2:00 --smooth offline
        nimblepose track rtsp://camera.local/stream --format parquet --no-video
        nimblepose track 0 --show --no-video
        nimblepose track frames/ --fps 30 --out results
    """
    from nimblepose.core.files import make_folder
    from nimblepose.drawing.people import DrawOptions
    from nimblepose.media.levels import parse_levels
    from nimblepose.media.sources import has_no_clock, is_recorded
    from nimblepose.results.collecting import collect_streams
    from nimblepose.results.formats import parse_formats

    asked = Given.of(context)
    if not video and not show:
        asked.refuse(DRAWING, "nothing is drawn with --no-video; leave that out, or these")
    if quality is not None:
        asked.refuse(["scales"], "average a single pass, and --quality looks again; leave out one of them")
    check_folder(out)
    levels = parse_levels(value_range)
    estimating = EstimatorOptions(
        model=model, backend=backend, threads=threads, quality=quality, input_height=input_height, min_score=min_score,
        flip=flip, scales=given.parse_scales(scales), max_people=max_people, find_heads=blur_faces,
    )  # fmt: skip
    options = VideoChoices(
        formats=parse_formats(",".join(formats)), video=video, colour_by=colour_by, trails=trails, smooth=smooth,
        draw=given.scale_lines(
            DrawOptions(show_scores=scores, show_boxes=boxes, show_errors=errors, blur_faces=blur_faces), line_width
        ),
        max_gap=max_gap, every=every, start=start, end=end, rate=fps, canvas=canvas, resume=resume, show=show,
        levels=levels, rotation=int(rotate),
    ).to_options()  # fmt: skip
    collected = collect_streams(sources)
    found, failures, interrupted = list(collected.videos), collected.failures, False
    say_notes(collected.notes, quiet=quiet)
    if found and not any(map(has_no_clock, found)):
        asked.refuse(["fps"], "is for folders of frames and files of pages; videos say themselves when a frame is")
    if found:
        estimator, path = estimating.load(streaming=any(is_recorded(source) for source in found))
        for chosen in options.sink.formats:
            chosen.check_skeleton(estimator.skeleton)
        if out:
            make_folder(out)
        outcome = run_videos(estimator.for_frames(), found, out, options, estimating.conditions(path), quiet=quiet)
        failures, interrupted = failures | outcome.failures, outcome.interrupted
    finish(failures, interrupted)
