"""What was found in each frame so far, so that a run that was broken off goes on where it stopped."""

import base64
import json
from collections.abc import Iterator, Mapping
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.errors import MediaError
from nimblepose.core.files import open_held, write_whole, writing
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import Skeleton
from nimblepose.core.text import describe_error
from nimblepose.media.frames import Stamp

_VERSION = 5
_MAX_LINE = 1 << 24  # bytes; thousands of people


class Journal:
    """A file of lines, one per frame, exact to the last bit: what the network found, before anything is made of it.

    What is made of it (identities, smoothing, files) follows from it, so that a resumed run ends with the same files as
    one that was never interrupted.
    """

    def __init__(self, path: Path, conditions: Mapping[str, Any], *, resume: bool = False) -> None:
        """Look at what there is; nothing is written before the first frame.

        Args:
            path: Of the journal.
            conditions: What the findings depend on (source, model, options), as plain data.
            resume: Go on after the last whole line of the file, if there is one.

        Raises:
            MediaError: it cannot be read, is no journal, or was written under other conditions.
        """
        self.path = path
        self.known = 0  # frames found before
        self.last: Stamp | None = None  # of them
        self._head = {"journal": "nimblepose", "version": _VERSION, **conditions}
        self._end = 0  # of the whole lines, in bytes
        self._file: FileIO | None = None
        if resume and path.exists():
            self._check()

    def add(self, stamp: Stamp, poses: Poses) -> None:
        """Note what was found in the next frame.

        Raises:
            MediaError: it cannot be written.
        """
        row = {
            "frame": stamp.index,
            "time": stamp.time,
            "size": stamp.size,
            "keypoints": pack_array(poses.keypoints),
            "keypoint_scores": pack_array(poses.keypoint_scores),
            "scores": pack_array(poses.scores),
        }
        if stamp.name:
            row["file"] = stamp.name
        if poses.keypoint_errors is not None:
            row["keypoint_errors"] = pack_array(poses.keypoint_errors)
        if poses.limb_colours is not None:
            row["limb_colours"] = pack_array(poses.limb_colours)
        if poses.heads is not None:
            row["heads"] = pack_array(poses.heads)
        if poses.shot:
            row["shot"] = poses.shot
        if poses.camera_shift != (0, 0):
            row["camera_shift"] = poses.camera_shift
        with writing(self.path):
            if self._file is None:
                self._file = self._opened()
            write_whole(self._file, json.dumps(row).encode() + b"\n")

    def entries(self, skeleton: Skeleton, *, known_only: bool = False) -> Iterator[tuple[Stamp, Poses]]:
        """What was found so far (or before this run), in order.

        Args:
            skeleton: Of the model, one of the conditions.
            known_only: Without what this run has added.
        """
        if self._file is None and not self.known:  # no journal, or one of another run
            return
        with self.path.open("rb") as file:
            file.readline()
            count = 0
            while (not known_only or count < self.known) and (line := file.readline(_MAX_LINE)).endswith(b"\n"):
                yield _entry(line, skeleton)
                count += 1

    def close(self) -> None:
        """Leave it for a later run."""
        if self._file is not None:
            self._file.close()

    def remove(self) -> None:
        """The results are complete: nothing is left to resume."""
        self.close()
        self.path.unlink(missing_ok=True)

    def _opened(self) -> FileIO:
        """The file, to go on behind its last whole line, or anew."""
        file = open_held(self.path)
        file.truncate(self._end)
        file.seek(self._end)
        if not self._end:
            write_whole(file, json.dumps(self._head).encode() + b"\n")
        return file

    def _check(self) -> None:
        """Count the whole lines of an older journal of the same conditions."""
        try:
            with self.path.open("rb") as file:
                written = json.loads(file.readline(_MAX_LINE))
                if not isinstance(written, dict) or written.get("journal") != "nimblepose":
                    raise ValueError("no journal")
                check_conditions(self.path, written, self._head)
                self._end = file.tell()
                while (line := file.readline(_MAX_LINE)).endswith(b"\n"):
                    self.last = _stamp(json.loads(line))
                    self.known, self._end = self.known + 1, file.tell()
        except MediaError:
            raise
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise MediaError(
                f"{self.path} is damaged ({describe_error(error)}); start again without --resume"
            ) from error


def _stamp(row: dict[str, Any]) -> Stamp:
    return Stamp(
        int(row["frame"]), float(row["time"]), (int(row["size"][0]), int(row["size"][1])), str(row.get("file", ""))
    )


def _entry(line: bytes, skeleton: Skeleton) -> tuple[Stamp, Poses]:
    row = json.loads(line)
    k, colours, heads = len(skeleton.keypoints), row.get("limb_colours"), row.get("heads")
    shift, errors = row.get("camera_shift", (0, 0)), row.get("keypoint_errors")
    return _stamp(row), Poses(
        skeleton,
        keypoints=unpack_array(row["keypoints"]).reshape(-1, k, 2),
        keypoint_scores=unpack_array(row["keypoint_scores"]).reshape(-1, k),
        scores=unpack_array(row["scores"]),
        keypoint_errors=None if errors is None else unpack_array(errors).reshape(-1, k),
        limb_colours=None if colours is None else unpack_array(colours).reshape(-1, len(skeleton.limbs), 3),
        heads=None if heads is None else unpack_array(heads).reshape(-1, 5),
        shot=int(row.get("shot", 0)),
        camera_shift=(float(shift[0]), float(shift[1])),
    )


def check_conditions(path: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse to go on with `path`, begun under the conditions `before`, where any differs `now`.

    Raises:
        MediaError: Some differ; it names them.
    """
    if differing := sorted(key for key in {*before, *now} if before.get(key) != now.get(key)):
        raise MediaError(
            f"{path} was written with another {', '.join(differing)}; use the same, or start again without --resume"
        )


def pack_array(array: NDArray[np.float32]) -> str:
    """Text that holds an array exactly; its shape is to be known."""
    return base64.b64encode(np.ascontiguousarray(array, "<f4").tobytes()).decode()


def unpack_array(text: str) -> NDArray[np.float32]:
    """The inverse of `pack_array`, flat."""
    return np.frombuffer(base64.b64decode(text), "<f4").astype(np.float32)
