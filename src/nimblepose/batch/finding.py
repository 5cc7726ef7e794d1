"""Who is in a unit: poses of every frame of a piece, or of every picture of a group, as a part."""

import dataclasses
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from fractions import Fraction
from itertools import chain
from typing import Any, Protocol

import numpy as np

from nimblepose.batch.manifest import Settings
from nimblepose.batch.parts import PartWriter, pack
from nimblepose.batch.sources import check_unchanged, open_video, read_picture_file
from nimblepose.batch.units import Group, Piece, Source, Unit
from nimblepose.core.errors import MissingPackageError, PoseError
from nimblepose.core.poses import Poses
from nimblepose.core.reduction import enlarge
from nimblepose.core.skeleton import Skeleton
from nimblepose.core.text import describe_bug
from nimblepose.media.frames import Frame, Stamp, StreamInfo
from nimblepose.media.pictures import Picture, read_reduced
from nimblepose.media.pieces import VideoPiece
from nimblepose.runtime.video import Streaming, find_in_frames, needs_pictures
from nimblepose.tracking.shots import has_contrast, shrink

_LEAD = 8  # frames before a piece, where it follows from them how the next ones are seen


class Finder(Streaming, Protocol):
    """What finds poses in frames and in pictures, as `PoseEstimator` does."""

    @property
    def skeleton(self) -> Skeleton:
        """Of what it finds."""

    def for_frames(self) -> Streaming:
        """The same, as videos are looked at."""


def find_in_unit(finder: Finder, unit: Unit, settings: Settings) -> tuple[bytes, dict[str, Any]]:
    """The part of a unit, and its facts.

    Whatever is wrong with a source is in the part: of a video why nobody was looked for in it, or to its end; of a
    picture why there is nothing of it.

    Raises:
        MissingPackageError: this machine cannot read videos, or write parts.
    """
    writer, started, busy = PartWriter(finder.skeleton), time.perf_counter(), time.process_time()
    try:
        if isinstance(unit, Piece):
            facts = _find_in_piece(finder, unit, settings, writer)
        else:
            facts = _find_in_group(finder, unit, settings, writer)
    except MissingPackageError:  # no fault of the unit
        raise
    except PoseError as error:
        writer = PartWriter(finder.skeleton)
        facts = {"failure": str(error)}
    facts |= {"unit": unit.id, "name": unit.name, "rows": writer.count, "people": writer.people}
    facts |= {"wall": round(time.perf_counter() - started, 3), "cpu": round(time.process_time() - busy, 3)}
    facts["seconds"] = unit.seconds if isinstance(unit, Piece) else None
    return writer.finish(facts), facts


# Videos --------------------------------------------------------------------------------------------------------------


class _Rest:
    """A piece of which the first frame was taken already."""

    live, dropped = False, 0

    def __init__(self, piece: VideoPiece, first: Frame, rest: Iterator[Frame]) -> None:
        self._piece, self._frames, self.problems = piece, chain([first], rest), piece.problems

    @property
    def info(self) -> StreamInfo:
        return self._piece.info

    @info.setter
    def info(self, value: StreamInfo) -> None:
        self._piece.info = value

    def __iter__(self) -> Iterator[Frame]:
        return self._frames

    def close(self) -> None:
        self._piece.close()


def _find_in_piece(finder: Finder, unit: Piece, settings: Settings, writer: PartWriter) -> dict[str, Any]:
    check_unchanged(unit.source)
    streaming = finder.for_frames()
    attentive = needs_pictures(streaming)
    piece = VideoPiece(
        open_video(unit.source), begin=unit.begin, end=unit.end, first=unit.first, every=settings.every,
        lead=_LEAD if attentive else 1, levels=settings.levels, name=unit.source.name,
    )  # fmt: skip
    before: Frame | None = None
    last: Frame | None = None
    contrasts, shot = _Contrasts(), 0
    with closing(piece):
        for frame, poses in _find_in_frames(finder, streaming, piece, unit.begin, attentive=attentive):
            early = frame.time < unit.begin
            contrasts.look(frame.image, -1 if early else writer.count)
            if early:
                before, shot = frame, poses.shot
            else:
                last = frame
                writer.add(frame.stamp, dataclasses.replace(poses, shot=poses.shot - shot))
    borders = {"before": before, "last": last}
    facts: dict[str, Any] = {key: None if frame is None else _describe_border(frame) for key, frame in borders.items()}
    facts |= {"decoded": piece.decoded, "latest": piece.latest, "refused": piece.refused, **contrasts.to_dict()}
    facts["ending"] = None if piece.ending is None else dataclasses.asdict(piece.ending)
    return facts | {"info": _describe_info(piece.info)}


def _find_in_frames(
    finder: Finder, streaming: Streaming, piece: VideoPiece, begin: float, *, attentive: bool
) -> Iterator[tuple[Frame, Poses]]:
    """Those before the beginning, too: looked at for people only where it follows from them how the next are seen."""
    frames = iter(piece)
    first = next(frames, None)
    if first is None:
        return
    known = [(first.stamp, Poses.empty(finder.skeleton))] if first.time < begin and not attentive else []
    yield from find_in_frames(streaming, _Rest(piece, first, frames), known)


class _Contrasts:
    """The first and the last picture that shows anything: by them shots are counted on from piece to piece."""

    def __init__(self) -> None:
        self._first: tuple[int, Picture] | None = None
        self._last: Picture | None = None

    def look(self, picture: Picture, number: int) -> None:
        """The next one; those before the piece are -1."""
        small = shrink(picture)
        if has_contrast(small):
            self._first = self._first or (number, small)
            self._last = small

    def to_dict(self) -> dict[str, Any]:
        first = None if self._first is None else [self._first[0], pack(self._first[1])]
        return {"first_contrast": first, "last_contrast": None if self._last is None else pack(self._last)}


def _describe_border(frame: Frame) -> dict[str, Any]:
    """What tells whether two pieces fit: the same frame is decoded for both."""
    return {"index": frame.index, "time": frame.time, "pixels": zlib.crc32(np.ascontiguousarray(frame.image).data)}


def _describe_info(info: StreamInfo) -> dict[str, Any]:
    return {"duration": info.duration, "rate": _parts(info.rate), "pixel_aspect": _parts(info.pixel_aspect)}


def _parts(fraction: Fraction | None) -> list[int] | None:
    return None if fraction is None else [fraction.numerator, fraction.denominator]


# Pictures ------------------------------------------------------------------------------------------------------------


def _find_in_group(finder: Finder, unit: Group, settings: Settings, writer: PartWriter) -> dict[str, Any]:
    failures = 0
    for number, source in enumerate(unit.pictures, unit.first):
        size, poses, failure = _find_in_picture(finder.estimate, source, settings)
        failures += failure is not None
        writer.add(Stamp(number, 0.0, size), Poses.empty(finder.skeleton) if poses is None else poses, failure)
    return {"failures": failures}


def _find_in_picture(
    find: Callable[[Picture], Poses], source: Source, settings: Settings
) -> tuple[tuple[int, int], Poses | None, str | None]:
    """Size, people, and why there are none: one picture must not cost the others."""
    try:
        check_unchanged(source)
        read = read_reduced(read_picture_file(source), max_pixels=settings.max_pixels, levels=settings.levels)
        return read.size, enlarge(find(read.picture), read.reduction), None
    except MissingPackageError:
        raise
    except PoseError as error:
        return (0, 0), None, str(error)
    except Exception as error:  # a bug of ours that this picture brings out
        return (0, 0), None, f"{source.name}: {describe_bug(error)}"
