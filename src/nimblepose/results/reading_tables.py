"""Our own tables back into poses: CSV and Parquet, of pictures and of videos."""

import csv
import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from nimblepose.core.errors import MediaError, PoseError, SkeletonError
from nimblepose.core.geometry import Size
from nimblepose.core.optional import import_optional
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import BUILT_IN, Skeleton
from nimblepose.results.reading import ReadResult, read_header
from nimblepose.results.tables import COLUMNS, Row

_READ = (
    str,
    int,
    float,
    int,
    float,
    str,
    float,
    float,
    float,
    lambda text: text.upper() == "TRUE",
    lambda text: float(text) if text else None,
)  # as `COLUMNS`
_FIRST_COLUMNS = COLUMNS[:-1]  # of tables before keypoints had errors
_LONGEST = 200  # letters of what is said of a value, which may be a whole file


class TableFile:
    """A file that `--format csv` or `parquet` wrote, this version or one before. Iterate over it, as often as you like.

    Frames without anybody have no row, so they do not come back; pictures do, if the file is Parquet. What a CSV does
    not hold is taken from what it does: the skeleton is the smallest built-in one with all of its keypoints, and a
    size that nobody wrote down the smallest that holds all places (`sizes_known` says so).

    >>> for result in TableFile("match.poses.parquet"):  # doctest: +SKIP
    ...     print(result.frame, result.time, result.poses.scores)
    """

    def __init__(self, path: str | Path, skeleton: Skeleton | None = None) -> None:
        """Look through it once.

        Args:
            path: `*.csv` or `*.parquet`.
            skeleton: Of the people, where the file does not say.

        Raises:
            MediaError: the file cannot be read, or is none of ours.
            MissingPackageError: it is Parquet, and PyArrow is not installed.
        """
        self.path = Path(path)
        self._sizes: dict[str, Size] = {}  # of pictures
        self.frames: int | None = None  # that were looked at, in which there may be nobody; None: nobody knows
        with self._unify_errors():
            about = self._read_about()
            names: dict[str, None] = {}
            sources: dict[str, None] = {}
            first_person, last_frame, far = 1, 0, [0.0, 0.0]
            for file, frame, _, person, _, keypoint, x, y, *_ in self._rows():
                names[keypoint], sources[file] = None, None
                first_person, last_frame = min(first_person, person), max(last_frame, frame)
                if not (abs(x) < math.inf and abs(y) < math.inf):
                    raise ValueError(f"a keypoint at {x}, {y}")
                far = [max(far[0], x), max(far[1], y)]
            self.is_video = self.frames is not None or (not self._sizes and last_frame > 0)
            self.header = read_header(about or {"version": 1}, is_video=self.is_video)
            self._skeleton = skeleton or next(iter(self.header.skeletons), None) or self._guess(list(names))
        self.sizes_known = bool(self._sizes)
        self._has_ids = self.is_video and first_person > 0  # without identities people count from 0 in every frame
        self._size = (int(far[1]) + 1, int(far[0]) + 1)
        self._source = self.header.source or (next(iter(sources)) if len(sources) == 1 else "")

    def __iter__(self) -> Iterator[ReadResult]:
        """Pictures or frames, in the order of the file.

        Raises:
            MediaError: a row is damaged.
        """
        with self._unify_errors():
            waiting = iter(self._sizes)
            for (file, frame), rows in groupby(self._rows(), lambda row: row[:2]):
                for before in waiting if self._sizes else ():
                    if before == file:
                        break
                    yield self._make_result(before, 0, 0.0, Poses.empty(self._skeleton))
                found = list(rows)
                yield self._make_result(file, frame, found[0][2], self._assemble(found))
            for after in waiting:
                yield self._make_result(after, 0, 0.0, Poses.empty(self._skeleton))

    def _make_result(self, file: str, frame: int, time: float, poses: Poses) -> ReadResult:
        name = self._source or file if self.is_video else file
        return ReadResult(name, frame, time, self._sizes.get(file, self._size), poses)

    def _assemble(self, rows: Sequence[Row]) -> Poses:
        people = [list(person) for _, person in groupby(rows, lambda row: row[3])]
        n, k = len(people), len(self._skeleton.keypoints)
        index = {name: i for i, name in enumerate(self._skeleton.keypoints)}
        keypoints, scores = np.full((n, k, 2), np.nan, np.float32), np.zeros((n, k), np.float32)
        flags, errors = np.zeros((n, k), bool), np.full((n, k), np.nan, np.float32)
        for i, person in enumerate(people):
            for _, _, _, _, _, name, x, y, score, interpolated, error in person:
                if name not in index:
                    raise SkeletonError(f"skeleton {self._skeleton.name!r} has no keypoint {name!r}")
                at = i, index[name]
                keypoints[at], scores[at], flags[at] = (x, y), score, interpolated
                errors[at] = np.nan if error is None else error
        return Poses(
            self._skeleton,
            keypoints,
            scores,
            np.array([person[0][4] for person in people], np.float32),
            np.array([person[0][3] for person in people], np.int64) if self._has_ids else None,
            flags if flags.any() else None,
            keypoint_errors=None if np.isnan(errors).all() else errors,
        )

    def _read_about(self) -> dict[str, Any]:
        """What Parquet says of the whole run; a CSV says nothing."""
        if self.path.suffix != ".parquet":
            return {}
        text = _open_parquet(self.path).schema_arrow.metadata.get(b"nimblepose")
        if text is None:
            raise ValueError("no header of ours")
        about: dict[str, Any] = json.loads(text)
        self.frames = about.get("frames")
        self._sizes = {p["file"]: (int(p["height"]), int(p["width"])) for p in about.get("pictures", ())}
        return about

    def _rows(self) -> Iterator[Row]:
        if self.path.suffix == ".parquet":
            for batch in _open_parquet(self.path).iter_batches(columns=list(COLUMNS)):
                columns = [column.to_pylist() for column in batch.columns]
                if len(columns) == len(_FIRST_COLUMNS):
                    columns.append([None] * len(batch))
                yield from zip(*columns, strict=True)
            return
        with self.path.open(encoding="utf-8-sig", newline="") as file:  # with a byte order mark, too
            lines = csv.reader(file)
            names = tuple(next(lines, ()))
            if names not in (COLUMNS, _FIRST_COLUMNS):
                raise ValueError(f"its columns are not {', '.join(COLUMNS)}")
            rest = [""] * (len(COLUMNS) - len(names))
            for line in lines:
                line += rest
                yield tuple(read(text) for read, text in zip(_READ, line, strict=True))  # type: ignore[operator]

    def _guess(self, names: Sequence[str]) -> Skeleton:
        fitting = [built for built in BUILT_IN.values() if set(names) <= set(built.keypoints)]
        if not fitting:
            raise MediaError(f"{self.path} does not say which skeleton its keypoints are of ({names[0]}, ...); give it")
        return min(fitting, key=lambda built: len(built.keypoints))

    @contextmanager
    def _unify_errors(self) -> Iterator[None]:
        try:
            yield
        except PoseError:
            raise
        except OSError as error:
            raise MediaError(f"cannot read {self.path}: {error.strerror or error}") from error
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, csv.Error) as error:
            what = f"--format {self.path.suffix[1:]} writes"
            raise MediaError(f"{self.path}: not what {what} ({str(error)[:_LONGEST]})") from error


def _open_parquet(path: Path) -> Any:
    import_optional("pyarrow", "Parquet")
    return import_optional("pyarrow.parquet", "Parquet").ParquetFile(path)
