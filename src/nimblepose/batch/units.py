"""What is done at a time: a piece of a video, or a group of pictures."""

import dataclasses
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nimblepose.core.errors import OptionError
from nimblepose.core.text import format_count

_LETTERS = 20  # of an id, 80 bits: of a billion units no two are alike
PART, FAILED = ".parquet", ".failed.parquet"  # endings of the names of parts


@dataclass(frozen=True)
class Source:
    """A file as it was when it was planned."""

    name: str  # as it was given: what results call it
    path: str  # where it is, from whatever folder, or its address
    size: int | None = None  # bytes
    modified: str | None = None  # when, or in what version, as its file system says

    def to_list(self) -> list[Any]:
        """Plain data."""
        return [self.name, None if self.path == self.name else self.path, self.size, self.modified]

    @classmethod
    def from_list(cls, value: Sequence[Any]) -> "Source":
        """What `to_list` made."""
        name, path, size, modified = value
        return cls(str(name), str(path or name), size, modified)


@dataclass(frozen=True)
class Piece:
    """Of a video, begin <= time < end."""

    id: str
    source: Source
    begin: float  # seconds
    end: float | None  # None: to the end of the video
    first: bool  # nothing before it belongs to what was asked for
    seconds: float | None = None  # about so many; None: nobody knows

    @property
    def name(self) -> str:
        """As messages name it."""
        until = "the end" if self.end is None else f"{self.end:g} s"
        return (
            self.source.name if self.first and self.end is None else f"{self.source.name}, {self.begin:g} s to {until}"
        )

    def halve(self) -> "tuple[Piece, Piece] | None":
        """Two of half the length; None: it cannot be."""
        if not self.seconds:
            return None
        middle = round(self.begin + self.seconds / 2, 6)
        return (
            dataclasses.replace(self, id=f"{self.id}-1", end=middle, seconds=self.seconds / 2),
            dataclasses.replace(self, id=f"{self.id}-2", begin=middle, first=False, seconds=self.seconds / 2),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for other processes."""
        return {"kind": "piece", **dataclasses.asdict(self), "source": self.source.to_list()}


@dataclass(frozen=True)
class Group:
    """Pictures that are done together."""

    id: str
    pictures: tuple[Source, ...]
    first: int = 0  # number of the first of them in the group that was planned

    @property
    def name(self) -> str:
        """As messages name it."""
        return f"{format_count(len(self.pictures), 'picture', 'pictures')} from {self.pictures[0].name}"

    def halve(self) -> "tuple[Group, Group] | None":
        """Two of half the pictures; None: it cannot be."""
        middle = len(self.pictures) // 2
        if not middle:
            return None
        return (
            dataclasses.replace(self, id=f"{self.id}-1", pictures=self.pictures[:middle]),
            dataclasses.replace(self, id=f"{self.id}-2", pictures=self.pictures[middle:], first=self.first + middle),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for other processes."""
        pictures = [source.to_list() for source in self.pictures]
        return {"kind": "group", "id": self.id, "pictures": pictures, "first": self.first}


Unit = Piece | Group


def read_unit(value: Mapping[str, Any]) -> Unit:
    """What `to_dict` made."""
    if value["kind"] == "piece":
        source = Source.from_list(value["source"])
        return Piece(value["id"], source, value["begin"], value["end"], value["first"], value["seconds"])
    return Group(value["id"], tuple(map(Source.from_list, value["pictures"])), value["first"])


def compute_id(*depends: Any) -> str:
    """Of a unit, by all that its part depends on, as plain data."""
    text = json.dumps(depends, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_LETTERS]


def find_parts(unit_id: str, there: Collection[str]) -> list[str] | None:
    """Names of the parts of a unit, in order: its own, or those of its halves; None: some are missing.

    Args:
        unit_id: Of the unit.
        there: Names of all parts.

    >>> find_parts("a", {"a.parquet", "a.failed.parquet"}), find_parts("b", {"b-1.parquet"})
    (['a.parquet'], None)
    >>> find_parts("c", {"c-1.parquet", "c-2.failed.parquet"})
    ['c-1.parquet', 'c-2.failed.parquet']
    """
    if f"{unit_id}{PART}" in there:
        return [f"{unit_id}{PART}"]
    halves = []
    for half in (f"{unit_id}-1", f"{unit_id}-2"):
        halves += [name for name in (f"{half}{PART}", f"{half}{FAILED}") if name in there][:1]
    if len(halves) == 2:
        return halves
    return [f"{unit_id}{FAILED}"] if f"{unit_id}{FAILED}" in there else None


def parse_shard(text: str) -> tuple[int, int]:
    """Which of how many shards, counted from 0 as job arrays and indexed jobs do.

    >>> parse_shard("2/3")
    (2, 3)

    Raises:
        OptionError: no such shard.
    """
    index, _, count = text.partition("/")
    if not (index.isdecimal() and count.isdecimal() and int(index) < int(count)):
        raise OptionError(f"a shard is I/N, with I from 0 to N - 1, such as 0/3, 1/3, 2/3; got {text!r}")
    return int(index), int(count)
