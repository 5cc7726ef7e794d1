"""A video from its source to its results: found, followed, steadied, written; and gone on with where it broke off."""

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from nimblepose.core.errors import MediaError, OptionError
from nimblepose.core.heads import NO_HEADS, Heads
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import Skeleton
from nimblepose.drawing.faces import look_ahead
from nimblepose.media.containers import name_source
from nimblepose.media.finding import ANNOTATED
from nimblepose.media.folder import PictureFrames
from nimblepose.media.frames import EVERYTHING, Frame, FrameSource, Selection, Stamp
from nimblepose.media.levels import Levels
from nimblepose.media.live import PATIENCE, LiveOptions
from nimblepose.media.pictures import Picture
from nimblepose.media.sources import is_recorded, open_frames
from nimblepose.media.turning import TurnedFrames
from nimblepose.results.journal import Journal
from nimblepose.results.video_sink import VideoSink, VideoSinkOptions
from nimblepose.runtime.video import (
    Smoothing,
    Streaming,
    Tracking,
    find_in_frames,
    follow,
    needs_pictures,
    start_smoother,
    start_tracker,
)
from nimblepose.tracking.offline import OfflineOptions, smooth_offline
from nimblepose.tracking.protocols import Tracker
from nimblepose.tracking.smoothing import SmoothOptions
from nimblepose.tracking.tracker import TrackOptions

_MAX_HEADER = 1 << 20  # bytes of a line that says whose results a file holds


class Estimator(Streaming, Protocol):
    """What finds poses, and says of what kind and by which model."""

    @property
    def model(self) -> Path:
        """File of the network."""

    @property
    def skeleton(self) -> Skeleton:
        """Of what it finds."""


@dataclass(frozen=True, kw_only=True)
class RecordOptions:
    """How a video is read, what is made of the people in it, and what is written."""

    selection: Selection = EVERYTHING
    rate: float = 25  # pictures per second, of folders
    levels: Levels = "auto"  # of pictures of more than 8 bits: what becomes black and white
    rotation: int = 0  # by which frames are turned before anything else
    live: LiveOptions = PATIENCE
    tracking: Tracking | None = field(default_factory=TrackOptions)  # None: no identities
    smoothing: Literal["off", "live", "offline"] = "live"  # offline: a second pass over recordings, fills short gaps
    smoother: Smoothing = field(default_factory=SmoothOptions)  # live
    sink: VideoSinkOptions = field(default_factory=VideoSinkOptions)
    show: bool = False  # draw even if no video is written
    resume: bool = False  # go on where an earlier run broke off
    conditions: Mapping[str, Any] = field(default_factory=dict)  # what findings depend on beside the source


class Step(NamedTuple):
    """One frame is done."""

    stage: Literal["find", "write"]  # the second is a pass of its own if smoothing is offline
    stamp: Stamp
    poses: Poses
    drawn: Picture | None


class _Found(NamedTuple):
    """A frame as it was looked at: its place passes by trackers and smoothers, with what they know nothing of."""

    place: Frame | Stamp
    heads: Heads | None

    @property
    def time(self) -> float:
        return self.place.time


class Recording:
    """Iterate over it to do the work, one `Step` per frame; then `finish`.

    What the network finds in a recording is noted in a journal beside the results, `STEM.poses.journal`, until they are
    complete; `resume` takes it from there. Everything else is made again from it, so a resumed run ends with the same
    files as one that was never interrupted.
    """

    def __init__(self, estimator: Estimator, source: str | Path, stem: Path, options: RecordOptions) -> None:
        """Open the source; nothing is written before its first frame.

        Args:
            estimator: Finds people.
            source: Anything that `open_frames` takes.
            stem: Folder and beginning of the names of all results.
            options: How.

        Raises:
            MediaError: the source cannot be opened, is live and shall be smoothed offline or resumed, or the journal is
                of another run.
        """
        self._estimator, self._name, self._stem, self._options = estimator, source, stem, options
        self._recorded = is_recorded(source)
        if not self._recorded and (options.smoothing == "offline" or options.resume):
            raise OptionError(
                f"{name_source(source)}: offline smoothing and --resume need a file or folder, which can be read twice"
            )
        if options.smoothing == "offline" and options.tracking is None:
            raise OptionError("smoothing needs identities: leave out --no-track, or add --smooth off")
        if self._recorded:
            check_results(stem, name_source(source))
        self.source = self._read(options.selection)
        self._journal = self._open_journal() if self._recorded else None
        self._reading = self.source  # another reader of it in the second pass
        self._sink: VideoSink | None = None
        self.stopped = False
        self.frames = 0
        self._identities: set[int] = set()

    def __iter__(self) -> Iterator[Step]:
        """Do the work."""
        options = self._options
        tracker = None if options.tracking is None else start_tracker(options.tracking)
        try:
            if options.smoothing == "offline" and tracker is not None:
                for place, poses in self._find():
                    yield Step("find", _stamp(place), poses, None)
                yield from self._second_pass(tracker)
            else:
                live = tracker is not None and options.smoothing == "live"
                smoother = start_smoother(options.smoother) if live else None
                found = ((_Found(place, poses.heads), poses) for place, poses in self._find())
                for (place, heads), poses in follow(found, tracker, smoother, live=self.source.live):
                    yield self._write(place, dataclasses.replace(poses, heads=heads))
        finally:
            self._reading.close()

    def stop(self) -> None:
        """Take no further frame; those under way are still done. For signal handlers and other threads.

        Of what was found before, offline smoothing still makes results; stopped again, only of the frames written.
        """
        self.stopped = True
        self._reading.close()

    def finish(self) -> list[Path]:
        """Complete all files and return them.

        Raises:
            MediaError: a file cannot be completed, or there was no frame; the message says why, if the source did.
        """
        if self._sink is None:
            self.abandon()
            why = "stopped before the first frame" if self.stopped else "no frame in the part chosen"
            raise MediaError("; ".join(self.source.problems) or f"{self.source.info.name}: {why}")
        written = self._sink.finish()
        if self._journal and not self.stopped:
            self._journal.remove()
        self.abandon()
        return written

    def abandon(self) -> None:
        """Leave everything as it is: what is not finished under partial names, what was found in the journal."""
        self._reading.close()
        if self._sink:
            self._sink.close()
        if self._journal:
            self._journal.close()

    @property
    def people(self) -> int | None:
        """How many different people there were; None without identities."""
        return None if self._options.tracking is None else len(self._identities)

    @property
    def _draws(self) -> bool:
        return self._options.sink.video or self._options.show

    @property
    def _replays(self) -> bool:
        """Must frames in which everybody is known be decoded again, to be drawn in the first pass, or to go on by?"""
        return (self._draws and self._options.smoothing != "offline") or needs_pictures(self._estimator)

    def _read(self, selection: Selection) -> FrameSource:
        options = self._options
        return open_frames(
            self._name,
            selection,
            rate=options.rate,
            live=options.live,
            levels=options.levels,
            rotation=options.rotation,
        )

    def _open_journal(self) -> Journal:
        options, selection = self._options, self._options.selection
        path = Path(self._name).expanduser()
        file = path.stat() if path.is_file() else None
        conditions = {
            "video": None if file is None else [file.st_size, file.st_mtime_ns],
            "part": [selection.every, selection.start, selection.end],
            "rate": options.rate,
            "levels": options.levels if isinstance(options.levels, str) else list(options.levels),
            "rotation": options.rotation or None,
            "list of files": _sign_names(self.source),
            **options.conditions,
        }
        journal = Journal(self._stem.with_name(f"{self._stem.name}.poses.journal"), conditions, resume=options.resume)
        if journal.last and not self._replays:
            self.source.close()
            start = max(selection.start, journal.last.time)
            selection = dataclasses.replace(selection, start=start, after=journal.last.index - 1)
            self.source = self._read(selection)
        return journal

    def _find(self) -> Iterator[tuple[Frame | Stamp, Poses]]:
        """What is known, then what the network finds, which becomes known."""
        journal = self._journal
        if journal is None:
            yield from find_in_frames(self._estimator, self.source)
            return
        known = journal.entries(self._estimator.skeleton, known_only=True)
        before = journal.known
        if not self._replays:
            last = []  # its picture is looked at again: there may be a cut behind it
            for entry in known:
                yield entry
                last = [entry]
            known, before = iter(last), len(last)
        for number, (frame, poses) in enumerate(find_in_frames(self._estimator, self.source, known)):
            if number >= before:
                journal.add(frame.stamp, poses)
            if number >= before or self._replays:
                yield frame, poses

    def _second_pass(self, tracker: Tracker) -> Iterator[Step]:
        """Identities and smoothing over everything found, then the results."""
        if self._journal is None:
            return
        entries = list(self._journal.entries(self._estimator.skeleton))
        people = [(stamp.time, poses) for stamp, poses in follow(entries, tracker, None, live=False)]
        steady = smooth_offline(people, OfflineOptions())
        if not self._draws:
            for (stamp, _), poses in zip(entries, steady, strict=True):
                yield self._write(stamp, poses)
            return
        options = self._options
        self._reading = self._read(options.selection)
        if options.sink.draw.blur_faces:
            raw = [(stamp.time, NO_HEADS if found.heads is None else found.heads) for stamp, found in entries]
            ahead = look_ahead(reversed(raw))
            steady = [dataclasses.replace(poses, heads=heads) for poses, heads in zip(steady, ahead, strict=True)]
        for frame, poses in zip(self._reading, steady, strict=False):  # more frames than found: it was interrupted
            yield self._write(frame, poses)

    def _write(self, place: Frame | Stamp, poses: Poses) -> Step:
        if self._sink is None:
            path, start = Path(self._name).expanduser(), self._options.selection.start
            sound = path if self._recorded and path.is_file() else None
            self._sink = VideoSink(
                self._stem,
                self._reading,
                self._options.sink,
                model=self._estimator.model.stem,
                skeleton=self._estimator.skeleton,
                begin=start,
                sound=sound,
            )
        picture = place.image if isinstance(place, Frame) and self._draws else None
        drawn = self._sink.add(_stamp(place), poses, picture)
        self.frames += 1
        if poses.track_ids is not None:
            self._identities.update(poses.track_ids.tolist())
        return Step("write", _stamp(place), poses, drawn)


def check_results(stem: Path, source: str) -> None:
    """Refuse to replace the results of another video of the same name, where they say whose they are.

    A path that ends as the other is taken for the same: people stand in different folders when they name a file.
    """
    path = stem.with_name(f"{stem.name}{ANNOTATED}.jsonl")
    try:
        with path.open("rb") as file:
            before = json.loads(file.readline(_MAX_HEADER))["header"]["source"]
        one, other = Path(before).parts, Path(source).parts
    except (OSError, ValueError, KeyError, TypeError):
        return  # nothing there, or nothing that says so
    shorter = min(len(one), len(other))
    if one[-shorter:] != other[-shorter:]:
        raise MediaError(f"{path} holds the results of {before}; move it, or choose another folder with --out")


def _sign_names(source: FrameSource) -> str | None:
    """What tells a list of pictures from any other; None for videos."""
    source = source.source if isinstance(source, TurnedFrames) else source
    names = "\n".join(source.names) if isinstance(source, PictureFrames) else None
    return None if names is None else hashlib.sha256(names.encode("utf-8", "surrogateescape")).hexdigest()


def _stamp(place: Frame | Stamp) -> Stamp:
    return place.stamp if isinstance(place, Frame) else place
