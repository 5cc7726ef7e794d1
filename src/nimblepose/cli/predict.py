"""`nimblepose predict`: pictures and videos in, annotated ones and poses out."""

import logging
from typing import TYPE_CHECKING, Annotated

import typer

from nimblepose.cli import options as given
from nimblepose.cli.loading import EstimatorOptions
from nimblepose.cli.videos import VideoChoices, finish, run_videos
from nimblepose.codec.options import DecodeOptions

if TYPE_CHECKING:
    from nimblepose.results.picture_sink import PictureSink
    from nimblepose.runtime.estimator import PoseEstimator


def predict(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Pictures, videos, folders, patterns in quotes, http(s) and rtsp addresses, 0 for a camera, "
            "- for a video on standard input."
        ),
    ],
    model: given.ModelOption = None,
    backend: given.BackendOption = "auto",
    threads: given.ThreadsOption = 0,
    input_height: given.HeightOption = 256,
    min_score: given.MinScoreOption = DecodeOptions.min_pose_score,
    flip: given.FlipOption = False,
    complete: given.CompleteOption = False,
    out: given.OutOption = None,
    formats: given.FormatOption = "json",
    pictures: given.PicturesOption = True,
    colour_by: given.ColourOption = "auto",
    scores: given.ScoresOption = False,
    boxes: given.BoxesOption = False,
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
    quiet: given.QuietOption = False,
) -> None:
    """Find people in pictures and videos; write `NAME.poses.jpg` or `.mp4` and a JSON next to them, or into --out.

    A file that cannot be read does not stop the others: it is listed at the end, and the exit code is 1.
    """
    from nimblepose.core.errors import PoseError
    from nimblepose.core.files import make_folder
    from nimblepose.drawing.people import DrawOptions
    from nimblepose.media.sources import is_video
    from nimblepose.results.picture_sink import PictureSink, SinkOptions, parse_formats

    estimating = EstimatorOptions(
        model=model,
        backend=backend,
        threads=threads,
        input_height=input_height,
        min_score=min_score,
        flip=flip,
        complete=complete,
    )
    draw = DrawOptions(
        colour_by="person" if colour_by == "person" else "limb",
        show_scores=scores,
        show_boxes=boxes,
        blur_faces=blur_faces,
    )
    options = SinkOptions(out=out, formats=parse_formats(formats), pictures=pictures, draw=draw)
    videos = VideoChoices(
        formats=options.formats, video=pictures, draw=draw, colour_by=colour_by, trails=trails, track=track,
        smooth=smooth if track else "off", every=every, start=start, end=end, resume=resume, show=show,
    ).to_options()  # fmt: skip
    found, failures = _collect([source for source in sources if not is_video(source)])
    moving, interrupted = list(dict.fromkeys(source for source in sources if is_video(source))), False
    if complete and moving:
        raise PoseError(
            f"--complete is for pictures, {moving[0]} is a video; there the frames before and after know better: "
            "--smooth offline"
        )
    if found or moving:
        estimator, path = estimating.load()
        if out:
            make_folder(out)
    if found:
        sink = PictureSink(found, options, model=path.stem, among_videos=bool(moving))
        failed, interrupted = _run(estimator, sink, found, quiet=quiet)
        failures |= failed
    if moving and not interrupted:
        outcome = run_videos(estimator, moving, out, videos, estimating.conditions(path), quiet=quiet)
        failures, interrupted = failures | outcome.failures, outcome.interrupted
    finish(failures, interrupted)


def _collect(sources: list[str]) -> tuple[list[str], dict[str, str]]:
    """All pictures meant, each once, in order; and what means nothing, with the reason."""
    from nimblepose.core.errors import PoseError
    from nimblepose.core.web import is_url
    from nimblepose.media.sources import find_pictures

    found: dict[str, None] = {}
    failures = {}
    for source in sources:
        try:
            found |= dict.fromkeys([source] if is_url(source) else map(str, find_pictures(source)))
        except PoseError as error:
            failures[source] = str(error)
    return list(found), failures


def _run(
    estimator: "PoseEstimator", sink: "PictureSink", sources: list[str], *, quiet: bool
) -> tuple[dict[str, str], bool]:
    """From the first picture to the last file; returns what failed, and whether Ctrl-C left pictures out.

    Interrupted, it still writes about the pictures that are done.
    """
    from nimblepose.cli.progress import format_count, show_picture_bar
    from nimblepose.core.errors import PoseError
    from nimblepose.core.web import fetch_picture, is_url, without_secrets
    from nimblepose.media.pictures import read_picture

    failures, done, people, interrupted = {}, 0, 0, False
    try:
        with show_picture_bar(len(sources), quiet=quiet) as progress:
            for source in progress.track(sources, description="predict"):
                name = without_secrets(source) if is_url(source) else source
                try:
                    picture = read_picture(fetch_picture(source) if is_url(source) else source)
                    poses = estimator(picture)
                    written = sink.add(source, picture, poses)
                except PoseError as error:
                    failures[name] = str(error)
                    continue
                except Exception as error:  # a bug of ours that one picture brings out must not cost the others
                    logging.getLogger(__name__).debug("%s", name, exc_info=True)
                    failures[name] = f"{name}: unexpected {type(error).__name__}, please report it: {error}"
                    continue
                done, people = done + 1, people + len(poses)
                if len(sources) == 1 and not quiet:
                    print(
                        f"{name}: {format_count(len(poses), 'person', 'people')}", *(f"-> {path}" for path in written)
                    )
    except KeyboardInterrupt:
        interrupted = True
    about = sink.finish()
    if not quiet and len(sources) > 1:
        print(f"{format_count(done, 'picture', 'pictures')}, {format_count(people, 'person', 'people')}")
    if not quiet:
        print("".join(f"-> {path}\n" for path in about), end="")
    return failures, interrupted
