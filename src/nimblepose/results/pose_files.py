"""The poses of a video in the formats that people's tools read, written frame by frame."""

import csv
import io
import json
import re
import shutil
from pathlib import Path
from typing import Any, Protocol

from nimblepose.core.errors import MediaError
from nimblepose.core.files import GrowingFile, partial, write_atomically, writing
from nimblepose.core.poses import ROW_COLUMNS, Poses
from nimblepose.media.frames import Stamp

CSV_COLUMNS = ("frame", "time", *ROW_COLUMNS)


class PoseFile(Protocol):
    """Grows under a partial name, and is renamed when complete."""

    def add(self, stamp: Stamp, poses: Poses) -> None:
        """The people of the next frame; raises `MediaError` if they cannot be written."""

    def finish(self) -> Path:
        """Complete it and return its path."""

    def close(self) -> None:
        """Leave it under its partial name, readable up to the last frames."""


class JsonLines:
    """One line per frame: its index, time in seconds, size, and the people with keypoints by name."""

    def __init__(self, path: Path) -> None:
        """Begin `path`, usually `*.jsonl`."""
        self._file = GrowingFile(path)
        self.finish, self.close = self._file.finish, self._file.close

    def add(self, stamp: Stamp, poses: Poses) -> None:
        """One line."""
        height, width = stamp.size
        place = {"frame": stamp.index, "time": stamp.time, "height": height, "width": width}
        self._file.append(_json({**place, **poses.to_dict()}) + b"\n")


class CocoResults:
    """A list of COCO keypoint results whose `image_id` is the index of the frame; closed after every frame."""

    def __init__(self, path: Path) -> None:
        """Begin `path`, usually `*.json`."""
        self._file, self._empty = GrowingFile(path), True
        self._file.append(b"[\n]\n")
        self.finish, self.close = self._file.finish, self._file.close

    def add(self, stamp: Stamp, poses: Poses) -> None:
        """One object per person."""
        rows = b",\n".join(_json(row) for row in poses.to_coco(stamp.index))
        if rows:
            comma = b"" if self._empty else b",\n"
            self._file.append(comma + rows + b"\n]\n", over=len(b"]\n" if self._empty else b"\n]\n"))
            self._empty = False


class OpenPoseFolder:
    """A folder with one file per frame as OpenPose names and fills it, with the canvas size for ControlNet tools."""

    def __init__(self, path: Path, stem: str) -> None:
        """Begin the folder.

        Args:
            path: Of the folder; an older one of ours is replaced when this one is complete.
            stem: Of its files, `STEM_000000000012_keypoints.json`.

        Raises:
            MediaError: there is a folder of that name with other people's files in it, or it cannot be made.
        """
        self.path, self._stem = path, stem
        self._partial = partial(path)
        for folder in (path, self._partial):
            _check_ours(folder)
        with writing(path):
            if self._partial.exists():
                shutil.rmtree(self._partial)
            self._partial.mkdir()

    def add(self, stamp: Stamp, poses: Poses) -> None:
        """One file."""
        path = self._partial / f"{self._stem}_{stamp.index:012d}_keypoints.json"
        write_atomically(path, _json(poses.to_openpose(stamp.size)), durable=False)

    def finish(self) -> Path:
        """The folder gets its name."""
        with writing(self.path):
            if self.path.exists():
                shutil.rmtree(self.path)
            self._partial.replace(self.path)
        return self.path

    def close(self) -> None:
        """Leave the partial folder as it is."""


class TidyCsv:
    """One row per found keypoint, columns `CSV_COLUMNS`; seconds and pixels, the first pixel's centre being 0, 0."""

    def __init__(self, path: Path) -> None:
        """Begin `path`, usually `*.csv`."""
        self._file = GrowingFile(path)
        self.finish, self.close = self._file.finish, self._file.close
        self._file.append((",".join(CSV_COLUMNS) + "\n").encode())

    def add(self, stamp: Stamp, poses: Poses) -> None:
        """The rows of one frame."""
        text = io.StringIO(newline="")
        table = csv.writer(text, lineterminator="\n")
        for person, keypoint, x, y, score, flag in poses.to_rows():
            row = (person, keypoint, f"{x:.2f}", f"{y:.2f}", f"{score:.4f}", str(flag).lower())
            table.writerow((stamp.index, f"{stamp.time:.6f}", *row))
        if rows := text.getvalue():
            self._file.append(rows.encode())


def _check_ours(folder: Path) -> None:
    """Refuse to replace a folder that holds anything we would not have written there."""
    foreign = [p.name for p in folder.iterdir() if not _OURS.search(p.name)] if folder.is_dir() else []
    if foreign or (folder.exists() and not folder.is_dir()):
        what = f"holds {foreign[0]}" if foreign else "is no folder"
        raise MediaError(f"{folder} is there already and {what}; move it, or choose another place for the results")


_OURS = re.compile(r"_\d{12}_keypoints\.json$|^\.[0-9a-f]{16}\.part$")


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
