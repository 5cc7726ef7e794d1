"""What is to be done, written down once: sources, units, and everything that findings depend on."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain
from typing import Any

from nimblepose.batch.stores import Store
from nimblepose.batch.units import Group, Piece, Source, Unit, compute_id
from nimblepose.core.errors import MediaError, OptionError
from nimblepose.media.levels import Levels

MANIFEST = "manifest.jsonl"
_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What findings depend on beside the sources, and how sources are divided."""

    model: str  # file of it, where the plan was made
    sha256: str  # of that file
    estimating: Mapping[str, Any]  # arguments of `PoseEstimator`, and `min_score`
    videos: Mapping[str, Any]  # what findings in videos depend on, in numbers: another version may have changed them
    pictures: Mapping[str, Any]  # likewise
    every: int = 1  # frame of videos
    start: float = 0.0  # seconds
    end: float | None = None
    levels: Levels = "auto"
    max_pixels: int = 100_000_000  # of pictures
    seconds: float = 60.0  # of a piece, about
    group: int = 200  # pictures
    version: str = ""  # of nimblepose

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as it is read back."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "Settings":
        """What `to_dict` made."""
        levels = value["levels"]
        return cls(**{**value, "levels": levels if isinstance(levels, str) else tuple(levels)})

    def find_changes(self, other: "Settings") -> list[str]:
        """What differs, in words; where the file of the model lies does not matter."""
        before, now = self.to_dict(), other.to_dict()
        differing = []
        for key in sorted(before.keys() - {"model"}):
            if isinstance(before[key], dict):
                keys = sorted({*before[key], *now[key]})
                differing += [k for k in keys if before[key].get(k) != now[key].get(k)]
            elif before[key] != now[key]:
                differing.append("model" if key == "sha256" else key)
        return list(dict.fromkeys(differing))

    @property
    def video_conditions(self) -> list[Any]:
        """All that a piece of a video depends on beside the video."""
        levels = self.levels if isinstance(self.levels, str) else list(self.levels)
        return [self.version, self.sha256, dict(self.videos), self.every, levels]

    @property
    def picture_conditions(self) -> list[Any]:
        """All that is found in a picture depends on beside the picture."""
        levels = self.levels if isinstance(self.levels, str) else list(self.levels)
        return [self.version, self.sha256, dict(self.pictures), levels, self.max_pixels]


@dataclass(frozen=True)
class Video:
    """One video, and where it is cut; without pieces it cannot be read."""

    source: Source
    duration: float | None = None  # seconds, as the file says
    cuts: tuple[tuple[str, float, float | None], ...] = ()  # id, begin and end of each piece
    failure: str | None = None

    def list_pieces(self) -> list[Piece]:
        """In order."""
        last = self.duration
        return [
            Piece(unit, self.source, begin, end, not number, None if last is None else _measure(begin, end, last))
            for number, (unit, begin, end) in enumerate(self.cuts)
        ]

    @property
    def whole(self) -> Piece:
        """All of it as one piece, for a video whose pieces do not fit together."""
        unit, begin, _ = self.cuts[0]
        end = self.cuts[-1][2]
        if len(self.cuts) == 1:
            return self.list_pieces()[0]
        return Piece(f"{unit}-whole", self.source, begin, end, True)  # it is not halved: seconds are left out

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "video": self.source.to_list(), "duration": self.duration, "pieces": [list(cut) for cut in self.cuts],
            "failure": self.failure,
        }  # fmt: skip


@dataclass(frozen=True)
class Manifest:
    """The plan of a batch."""

    settings: Settings
    videos: tuple[Video, ...] = ()
    groups: tuple[Group, ...] = ()
    failures: Mapping[str, str] = field(default_factory=dict)  # sources that mean nothing -> why

    def iterate_units(self, whole: frozenset[str] = frozenset()) -> Iterator[Unit]:
        """All units, in order.

        Args:
            whole: Ids of videos that are done as one piece.
        """
        pieces = (
            [video.whole] if video.cuts and video.whole.id in whole else video.list_pieces() for video in self.videos
        )
        yield from chain.from_iterable(pieces)
        yield from self.groups

    def write(self, store: Store) -> None:
        """In place of an older plan of the same settings.

        Raises:
            OptionError: the older plan has other settings.
            MediaError: it cannot be written.
        """
        if store.has(MANIFEST):
            before = Manifest.read(store).settings
            if changes := before.find_changes(self.settings):
                raise OptionError(
                    f"{store.address} is planned with another {', '.join(changes)}; use the same, or plan into another "
                    "folder: parts of different settings are never mixed"
                )
        head = {"batch": "nimblepose", "version": _VERSION, "settings": self.settings.to_dict()}
        head |= {"failures": dict(self.failures)}
        rows = chain([head], (video.to_dict() for video in self.videos), (_write_group(g) for g in self.groups))
        store.write(MANIFEST, b"".join(json.dumps(row, separators=(",", ":")).encode() + b"\n" for row in rows))

    @classmethod
    def read(cls, store: Store) -> "Manifest":
        """The plan in a store.

        Raises:
            MediaError: there is none, or it is none of ours.
        """
        try:
            lines = store.read(MANIFEST).splitlines()
        except MediaError as error:
            raise MediaError(f"{error}; make a plan first: nimblepose batch plan SOURCES... --out DIR") from error
        try:
            head = json.loads(lines[0])
            if head["batch"] != "nimblepose" or head["version"] != _VERSION:
                raise ValueError("another form")
            videos, groups = [], []
            for row in map(json.loads, lines[1:]):
                if "video" in row:
                    cuts = tuple((str(unit), begin, end) for unit, begin, end in row["pieces"])
                    videos.append(Video(Source.from_list(row["video"]), row["duration"], cuts, row["failure"]))
                else:
                    groups.append(Group(row["unit"], tuple(map(Source.from_list, row["pictures"]))))
            return cls(Settings.from_dict(head["settings"]), tuple(videos), tuple(groups), head["failures"])
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise MediaError(
                f"{store.address}/{MANIFEST} is no plan of this version ({error!r}); plan again"
            ) from error


def cut_video(source: Source, duration: float | None, settings: Settings, *, divide: bool) -> Video:
    """A video and its pieces.

    Args:
        source: The file.
        duration: Of it in seconds; None: not known.
        settings: Of the batch.
        divide: Reading may begin in the middle of it.
    """
    start, end = settings.start, settings.end
    last = duration if end is None else end if duration is None else min(duration, end)
    count = max(1, round((last - start) / settings.seconds)) if divide and last is not None and last > start else 1
    borders = [round(start + number * settings.seconds, 6) for number in range(count)]
    ends = [*borders[1:], end]
    plain = source.to_list()[1:]
    return Video(
        source,
        None if last is None else max(last, start),
        tuple(
            (compute_id("piece", source.path, plain, begin, stop, settings.video_conditions), begin, stop)
            for begin, stop in zip(borders, ends, strict=True)
        ),
    )


def gather_pictures(sources: Sequence[Source], settings: Settings) -> Iterator[Group]:
    """Pictures in groups, in order."""
    for first in range(0, len(sources), settings.group):
        here = tuple(sources[first : first + settings.group])
        depends = [[source.path, source.size, source.modified] for source in here]
        yield Group(compute_id("group", depends, settings.picture_conditions), here)


def _measure(begin: float, end: float | None, last: float) -> float:
    return max((last if end is None else min(end, last)) - begin, 0.0)


def _write_group(group: Group) -> dict[str, Any]:
    return {"unit": group.id, "pictures": [source.to_list() for source in group.pictures]}
