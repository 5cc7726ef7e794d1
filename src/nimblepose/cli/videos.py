"""Videos, one after the other, for the verbs `predict` and `track`: progress, interruption, what is printed."""

import dataclasses
import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from nimblepose.cli.interrupts import stop_on_signals
from nimblepose.cli.options import parse_part
from nimblepose.core.errors import MediaError, OptionError, PoseError

if TYPE_CHECKING:
    from nimblepose.drawing.people import DrawOptions
    from nimblepose.drawing.surface import Surface
    from nimblepose.media.levels import Levels
    from nimblepose.results.output_format import OutputFormat
    from nimblepose.results.recording import Estimator, Recording, RecordOptions


@dataclass(frozen=True, kw_only=True)
class VideoChoices:
    """What a person chose on the command line."""

    formats: Sequence["OutputFormat"]
    video: bool
    draw: "DrawOptions"
    colour_by: Literal["auto", "limb", "person"]
    trails: float
    smooth: Literal["live", "offline", "off"]
    every: int
    start: str
    end: str | None
    canvas: "Surface"
    rotation: int
    resume: bool
    show: bool
    track: bool = True
    max_gap: float = 3.0
    rate: float = 25.0
    levels: "Levels" = "auto"

    def to_options(self) -> "RecordOptions":
        """The same for a `Recording`."""
        from nimblepose.drawing.trails import Trails
        from nimblepose.media.frames import Selection
        from nimblepose.results.recording import RecordOptions
        from nimblepose.results.video_sink import VideoSinkOptions
        from nimblepose.tracking.tracker import TrackOptions

        by_person = self.track and self.colour_by != "limb"
        draw = dataclasses.replace(
            self.draw, colour_by="person" if by_person else self.draw.colour_by, show_ids=self.track
        )
        trails = Trails(seconds=self.trails) if self.track and self.trails else None
        sink = VideoSinkOptions(formats=self.formats, video=self.video, draw=draw, trails=trails, canvas=self.canvas)
        start, end = parse_part(self.start, self.end)
        return RecordOptions(
            selection=Selection(every=self.every, start=start, end=end),
            rate=self.rate,
            levels=self.levels,
            rotation=self.rotation,
            tracking=TrackOptions(max_gap=self.max_gap) if self.track else None,
            smoothing=self.smooth,
            sink=sink,
            show=self.show,
            resume=self.resume,
        )


@dataclass
class Outcome:
    """What happened to the sources of a run."""

    failures: dict[str, str]  # source -> message
    interrupted: bool = False


def run_videos(
    estimator: "Estimator",
    sources: list[str],
    out: Path | None,
    options: "RecordOptions",
    conditions: Mapping[str, Any],
    *,
    quiet: bool,
) -> Outcome:
    """Every video to its results; one that fails does not stop the others, Ctrl-C completes the files and ends."""
    from nimblepose.core.files import make_folder
    from nimblepose.media.containers import name_source
    from nimblepose.results.naming import name_results
    from nimblepose.results.recording import Recording

    _refuse_waiting(sources)
    outcome = Outcome({})
    options = dataclasses.replace(options, conditions=conditions)
    for number, (source, stem) in enumerate(zip(sources, name_results(sources, out), strict=True), 1):
        place = f"{number}/{len(sources)}" if len(sources) > 1 else ""
        recording: Recording | None = None
        name = name_source(source)
        try:
            if out is not None:
                make_folder(stem.parent)  # below it, where names are equal
            recording = Recording(estimator, source, stem, options)
            outcome.interrupted = _work(recording, options, place, quiet=quiet)
            written = recording.finish()
        except PoseError as error:
            outcome.failures[name] = str(error)
        except KeyboardInterrupt:
            outcome.interrupted = True
            outcome.failures[name] = f"{name}: left as it was, its files under partial names"
        else:
            _report(recording, written, quiet=quiet)
            for problem in recording.source.problems:
                outcome.failures[name] = problem
        finally:
            if recording:
                recording.abandon()
        if outcome.interrupted:
            break
    return outcome


def _refuse_waiting(sources: list[str]) -> None:
    """Say now that what comes after a live source would never begin."""
    from nimblepose.media.containers import name_source
    from nimblepose.media.sources import is_endless

    for source, after in pairwise(sources):
        with suppress(MediaError):  # told when its turn comes
            if is_endless(source):
                raise OptionError(
                    f"{name_source(source)} is live and goes on until it is stopped, so {name_source(after)} would "
                    "wait for ever; run one command for each live source, or put it last"
                )


def _work(recording: "Recording", options: "RecordOptions", place: str, *, quiet: bool) -> bool:
    """Every frame; True if it was interrupted. Who closes the window has seen enough, which is no interruption."""
    from nimblepose.cli.progress import show_video_bar
    from nimblepose.cli.window import Window

    selection, info = options.selection, recording.source.info
    end = min(t for t in (selection.end, info.duration, float("inf")) if t is not None)
    window = Window(f"nimblepose: {info.name}") if options.show else nullcontext()
    closed = False
    ending = stop_on_signals(recording.stop, "stopping; the files are completed")
    name = re.split(r"[/\\\\]", info.name)[-1] or info.name
    bar = show_video_bar(selection.start, end, quiet=quiet, name=name, place=place)
    with window as view, bar as advance, ending:
        for step in recording:
            advance(step.stage, step.stamp.time, len(step.poses), recording.source.dropped)
            if view is not None and step.drawn is not None and not view.show(step.drawn):
                closed = True
                recording.stop()
    return recording.stopped and not closed


def _report(recording: "Recording", written: list[Path], *, quiet: bool) -> None:
    from nimblepose.core.text import format_count

    if quiet:
        return
    dropped = f", {recording.source.dropped} dropped" if recording.source.live else ""
    people = "" if recording.people is None else f", {format_count(recording.people, 'person', 'people')}"
    print(f"{recording.source.info.name}: {format_count(recording.frames, 'frame', 'frames')}{dropped}{people}")
    print("".join(f"-> {path}\n" for path in written), end="")


def say_notes(notes: Sequence[str], *, quiet: bool) -> None:
    """What was left out, before anything begins."""
    if not quiet:
        print("".join(f"nimblepose: {note}\n" for note in notes), end="", file=sys.stderr)


def finish(failures: Mapping[str, str], interrupted: bool) -> None:
    """Say what failed, and exit: 130 interrupted, 1 something failed."""
    for source, message in failures.items():
        print(f"nimblepose: {message}" if source in message else f"nimblepose: {source}: {message}", file=sys.stderr)
    if interrupted:
        print("nimblepose: interrupted; what comes after was left out", file=sys.stderr)
    if interrupted or failures:
        raise typer.Exit(130 if interrupted else 1)
