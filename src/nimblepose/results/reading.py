"""Our own form back into poses: documents about pictures and lines of videos, of this version and all before."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from nimblepose.core.errors import MediaError, SkeletonError
from nimblepose.core.geometry import Size
from nimblepose.core.lone_point import read_skeleton
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import BUILT_IN, Skeleton
from nimblepose.results.output_format import VERSION, Header

_MAX_LINE = 1 << 24  # bytes; thousands of people in a frame
_MAX_DOCUMENT = 1 << 30  # bytes; a million pictures


@dataclass(frozen=True, eq=False)
class ReadResult:
    """Who was found in one picture or frame."""

    file: str  # the picture, or the video
    frame: int  # index in the video; 0 of pictures
    time: float  # seconds in the video; 0 of pictures
    size: Size  # (height, width) in pixels
    poses: Poses


class ResultsFile:
    """A file that `--format json` wrote, also one that still grows. Iterate over it, as often as you like.

    Version 1 had keypoints as a mapping by name, and lines of videos without a header: their skeleton has to be a
    built-in one, or given.

    >>> for result in ResultsFile("match.poses.jsonl"):  # doctest: +SKIP
    ...     print(result.frame, result.time, result.poses.scores)
    """

    def __init__(self, path: str | Path, skeleton: Skeleton | None = None) -> None:
        """Read what is true of the whole run.

        Args:
            path: `*.json` about pictures or `*.jsonl` about a video.
            skeleton: Of the people, where the file does not say.

        Raises:
            MediaError: the file cannot be read, is none of ours, or of a later version.
        """
        self.path, self._given = Path(path), skeleton
        self.is_video = self.path.suffix == ".jsonl"
        with self._unify_errors("the beginning"):
            first = next(self._lines(), None) if self.is_video else self._document()
            about = first if first is None or not self.is_video else first.get("header", {"version": 1})
            self.header = read_header(about or {"version": 1}, is_video=self.is_video)
            self._skeletons = {skeleton.name: skeleton for skeleton in self.header.skeletons}

    def __iter__(self) -> Iterator[ReadResult]:
        """Pictures or frames, in the order of the file.

        Raises:
            MediaError: an entry is damaged; the message says which.
        """
        entries = self._lines() if self.is_video else iter(self._document()["pictures"])
        number = 0
        while True:
            with self._unify_errors(f"{'line' if self.is_video else 'picture'} {number + 1}"):
                entry = next(entries, None)
                if entry is None:
                    return
                result = self._read(entry)
            number += 1
            yield result

    def _lines(self) -> Iterator[dict[str, Any]]:
        """One object per whole line: the last one may still be written, or never have been."""
        with self.path.open("rb") as file:
            while (line := file.readline(_MAX_LINE)).endswith(b"\n"):
                yield _parse(line)
            if len(line) == _MAX_LINE:
                raise ValueError(f"longer than {_MAX_LINE} bytes")

    def _document(self) -> dict[str, Any]:
        if self.path.stat().st_size > _MAX_DOCUMENT:
            raise ValueError(f"larger than {_MAX_DOCUMENT} bytes")
        document = _parse(self.path.read_bytes())
        if document.get("format") != "nimblepose" or not isinstance(document.get("pictures"), list):
            raise ValueError("no results of pictures")
        return document

    def _read(self, entry: dict[str, Any]) -> ReadResult:
        name, people = entry["skeleton"], entry["people"]
        skeleton = self._skeletons.get(name) or self._given or BUILT_IN.get(name)
        if skeleton is None:
            raise MediaError(f"{self.path} names the skeleton {name!r} and does not hold it; give it")
        size = (int(entry["height"]), int(entry["width"]))
        poses = _read_people(people, skeleton)
        if not self.is_video:
            return ReadResult(str(entry["file"]), 0, 0.0, size, poses)
        return ReadResult(self.header.source or "", int(entry["frame"]), float(entry["time"]), size, poses)

    @contextmanager
    def _unify_errors(self, where: str) -> Iterator[None]:
        try:
            yield
        except MediaError:
            raise
        except OSError as error:
            raise MediaError(f"cannot read {self.path}: {error.strerror or error}") from error
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
            what = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
            raise MediaError(f"{self.path}, {where}: not what --format json writes ({what})") from error


def _parse(data: bytes) -> dict[str, Any]:
    value = json.loads(data, parse_constant=_refuse)
    if not isinstance(value, dict):
        raise ValueError(f"expected an object, got {type(value).__name__}")
    return value


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON")


def read_header(about: Mapping[str, Any], *, is_video: bool) -> Header:
    """The inverse of `Header.to_dict`.

    Raises:
        ValueError, KeyError, TypeError: it is none.
    """
    version = about["version"]
    if version not in range(1, VERSION + 1):
        raise ValueError(f"version {version!r}; this nimblepose reads up to {VERSION}")
    rate, started = about.get("rate"), about.get("started")
    return Header(
        model=str(about.get("model", "")),
        skeletons=tuple(read_skeleton(value) for value in about.get("skeletons", {}).values()),
        source=str(about.get("source", "")) if is_video else None,
        rate=None if rate is None else float(rate),
        started=None if started is None else datetime.fromisoformat(started),
        rotation=int(about.get("rotation", 0)),
    )


def _read_people(people: list[dict[str, Any]], skeleton: Skeleton) -> Poses:
    """The inverse of `Poses.to_dict`, to the decimals written."""
    n, k = len(people), len(skeleton.keypoints)
    index = {name: i for i, name in enumerate(skeleton.keypoints)}
    keypoints, scores = np.full((n, k, 2), np.nan, np.float32), np.zeros((n, k), np.float32)
    flags, flagged = np.zeros((n, k), bool), False
    errors, measured = np.full((n, k), np.nan, np.float32), False
    for row, person in enumerate(people):
        points = person["keypoints"]
        if isinstance(points, dict):  # version 1
            points = [{"name": name, **point} for name, point in points.items()]
        for point in points:
            if point["name"] not in index:
                raise SkeletonError(f"skeleton {skeleton.name!r} has no keypoint {point['name']!r}")
            at = row, index[point["name"]]
            keypoints[at], scores[at] = (float(point["x"]), float(point["y"])), float(point["score"])
            if "interpolated" in point:
                flags[at], flagged = bool(point["interpolated"]), True
            if "error" in point:
                errors[at], measured = np.nan if point["error"] is None else float(point["error"]), True
    ids = [person.get("track_id") for person in people]
    return Poses(
        skeleton,
        keypoints,
        scores,
        np.array([float(person["score"]) for person in people], np.float32),
        None if None in ids or not ids else np.array(ids, np.int64),
        flags if flagged else None,
        keypoint_errors=errors if measured else None,
    )
