"""`nimblepose predict`: pictures in, annotated pictures and poses out."""

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from nimblepose.cli.options import BackendOption, ModelOption

if TYPE_CHECKING:
    from nimblepose.media.sinks import PictureSink
    from nimblepose.runtime.estimator import PoseEstimator


def predict(
    sources: Annotated[list[str], typer.Argument(help="Pictures, folders, patterns in quotes, http(s) addresses.")],
    model: ModelOption = None,
    backend: BackendOption = "auto",
    threads: Annotated[int, typer.Option(min=0, help="0: the runtime chooses.")] = 0,
    input_height: Annotated[
        int, typer.Option(min=32, max=4096, help="Height the network sees; larger finds smaller people, more slowly.")
    ] = 256,
    min_score: Annotated[
        float, typer.Option(min=0, max=1, help="Leave out people of a lower score; 0 shows every guess.")
    ] = 0.1,
    flip: Annotated[
        bool, typer.Option("--flip", help="Average with the mirrored picture: better, at twice the time.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for all results [default: next to each picture].")
    ] = None,
    formats: Annotated[
        str, typer.Option("--format", "-f", help="Any of json, coco, openpose, csv, separated by commas.")
    ] = "json",
    pictures: Annotated[bool, typer.Option("--pictures/--no-pictures", help="Write annotated pictures.")] = True,
    colour_by: Annotated[Literal["limb", "person"], typer.Option(help="Colours of the drawing.")] = "limb",
    scores: Annotated[bool, typer.Option("--scores", help="Write each person's score into the drawing.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Find people in pictures; write `NAME.poses.jpg` and one JSON next to them, or into --out.

    A file that cannot be read does not stop the others: it is listed at the end, and the exit code is 1.
    """
    from nimblepose.cli.progress import download_bar
    from nimblepose.media.drawing import DrawOptions
    from nimblepose.media.sinks import PictureSink, SinkOptions, parse_formats
    from nimblepose.runtime.models import find_model

    options = SinkOptions(
        out=out,
        formats=parse_formats(formats),
        pictures=pictures,
        draw=DrawOptions(colour_by=colour_by, show_scores=scores),
    )
    (found, failures), interrupted = _collect(sources), False
    if found:
        from nimblepose.codec.options import DecodeOptions
        from nimblepose.runtime.estimator import PoseEstimator

        with download_bar() as progress:
            path = find_model(model, progress=progress)
        decode = DecodeOptions(min_pose_score=min_score)
        estimator = PoseEstimator(
            path, backend=backend, threads=threads, input_height=input_height, flip=flip, decode=decode
        )
        _make_folder(out)
        sink = PictureSink(found, options, model=path.stem)
        failed, interrupted = _run(estimator, sink, found, quiet=quiet)
        failures |= failed
    for source, message in failures.items():
        print(f"nimblepose: {message}" if source in message else f"nimblepose: {source}: {message}", file=sys.stderr)
    if interrupted:
        print("nimblepose: interrupted; the other pictures were left out", file=sys.stderr)
    if interrupted or failures:
        raise typer.Exit(130 if interrupted else 1)


def _collect(sources: list[str]) -> tuple[list[str], dict[str, str]]:
    """All pictures meant, each once, in order; and what means nothing, with the reason."""
    from nimblepose.core.errors import PoseError
    from nimblepose.media.sources import find_pictures
    from nimblepose.media.web import is_url

    found: dict[str, None] = {}
    failures = {}
    for source in sources:
        try:
            found |= dict.fromkeys([source] if is_url(source) else map(str, find_pictures(source)))
        except PoseError as error:
            failures[source] = str(error)
    return list(found), failures


def _make_folder(folder: Path | None) -> None:
    from nimblepose.core.errors import MediaError

    try:
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MediaError(f"cannot make the folder {folder}: {error.strerror}; choose another with --out") from error


def _run(
    estimator: "PoseEstimator", sink: "PictureSink", sources: list[str], *, quiet: bool
) -> tuple[dict[str, str], bool]:
    """From the first picture to the last file; returns what failed, and whether Ctrl-C left pictures out.

    Interrupted, it still writes about the pictures that are done.
    """
    from nimblepose.cli.progress import picture_bar
    from nimblepose.core.errors import PoseError
    from nimblepose.media.pictures import read_picture
    from nimblepose.media.web import fetch_picture, is_url, without_secrets

    failures, done, people, interrupted = {}, 0, 0, False
    try:
        with picture_bar(len(sources), quiet=quiet) as progress:
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
                    print(f"{name}: {_count(len(poses), 'person', 'people')}", *(f"-> {path}" for path in written))
    except KeyboardInterrupt:
        interrupted = True
    about = sink.finish()
    if not quiet and len(sources) > 1:
        print(f"{_count(done, 'picture', 'pictures')}, {_count(people, 'person', 'people')}")
    if not quiet:
        print("".join(f"-> {path}\n" for path in about), end="")
    return failures, interrupted


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
