"""The files about all pictures of a run whose results lie in one folder: held by one run at a time, never lost."""

import base64
import hashlib
import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from io import FileIO
from pathlib import Path
from typing import Any

from nimblepose.core.errors import MediaError, PoseError
from nimblepose.core.files import InUseError, open_held, partial, write_atomically, write_whole, writing
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import Skeleton
from nimblepose.core.text import describe_bug, describe_error
from nimblepose.core.web import is_url, without_secrets
from nimblepose.results.journal import check_conditions, pack_array, unpack_array
from nimblepose.results.output_format import FolderMaker, Header, PictureResult, encode_json, to_text

_log = logging.getLogger(__name__)

_MAX_LINE = 1 << 24  # bytes; thousands of people
_NAMED = 3  # pictures listed in an error


class ResultFolder:
    """Collects what was found, notes it at once in `STEM.partial.jsonl`, and writes the files when all is there.

    Each line of that file is a picture as `--format json` has it, and the same exact to the last bit. It is there until
    the files are, so a run that was killed has lost nothing, and one that goes on from it ends with the same files. No
    other run can use the folder meanwhile.
    """

    def __init__(
        self,
        folder: Path,
        stem: str,
        numbers: Mapping[str, int],
        makers: Sequence[FolderMaker],
        *,
        model: str,
        conditions: Mapping[str, Any],
        rotation: int = 0,
        resume: bool = False,
    ) -> None:
        """Look at what there is; nothing is written yet.

        Args:
            folder: Where.
            stem: Beginning of the names of all files.
            numbers: All pictures of the run that belong here, in order, each with its number.
            makers: Of the files.
            model: Name of the model, written into them.
            conditions: What findings and drawings depend on, as plain data.
            rotation: By which the pictures were turned, written into them.
            resume: Take what an earlier run noted that was broken off.

        Raises:
            MediaError: there are results of other pictures, which would be lost; or what was noted cannot be read, is
                about other pictures, or was found under other conditions.
        """
        self._folder, self._stem, self._makers = folder, stem, makers
        self._numbers, self._waiting = dict(numbers), dict.fromkeys(numbers)
        self._model, self._conditions, self._rotation = model, dict(conditions), rotation
        self._notes = partial(folder / f"{stem}.jsonl")
        self._file: FileIO | None = None  # of notes
        self._end = 0  # of its whole lines, in bytes
        self._results: dict[str, PictureResult] = {}
        self.known: dict[str, str] = {}  # pictures that were noted before -> what their own files begin with
        self.failures: dict[str, str] = {}  # files that could not be written -> why
        self._check_others()
        if resume:
            self._read_notes()

    @property
    def is_complete(self) -> bool:
        """Is nothing more to come?"""
        return not self._waiting

    @property
    def results(self) -> Mapping[str, PictureResult]:
        """Who was found in which picture, so far."""
        return self._results

    def hold(self) -> None:
        """Keep other runs out.

        Raises:
            InUseError: one is in.
        """
        try:
            self._open()
        except InUseError:
            raise
        except PoseError:  # it is said when something is to be written
            _log.debug("%s", self._notes, exc_info=True)

    def add(self, source: str, result: PictureResult, stem: str | None) -> None:
        """Note who was found in a picture.

        Args:
            source: The picture.
            result: Who was found.
            stem: What the names of its own files begin with; None: one is missing, so that a resumed run does the
                picture again.

        Raises:
            InUseError: another run is in this folder.
        """
        self._results[source] = result
        self._waiting.pop(source, None)
        if stem is None:
            return
        try:
            self._note(source, result, stem)
        except InUseError:
            raise
        except PoseError as error:  # the files may come to be all the same
            self.failures[str(self._notes)] = str(error)

    def skip(self, source: str) -> None:
        """Nothing comes of this picture."""
        self._waiting.pop(source, None)

    def finish(self) -> list[Path]:
        """Write all files and return them; one that fails costs no other. Notes stay where pictures are missing."""
        written = []
        results = [self._results[source] for source in self._numbers if source in self._results]
        skeletons = {result.poses.skeleton.name: result.poses.skeleton for result in results}
        header = Header(model=self._model, skeletons=tuple(skeletons.values()), rotation=self._rotation)
        for maker in self._makers if results else ():
            path = self._folder / f"{self._stem}{maker.ending}"
            try:
                write_atomically(path, maker.make(results, header))
            except PoseError as error:
                self.failures[str(path)] = str(error)
            except Exception as error:  # a bug of ours that one format brings out must not cost the others
                _log.debug("%s", path, exc_info=True)
                self.failures[str(path)] = f"{path}: {describe_bug(error)}"
            else:
                written.append(path)
        if self._file is not None or self._end:
            needed = bool(results) and not (self.is_complete and not self.failures)
            removed = needed or self._remove_notes()
            self.release()
            if not removed:  # some systems keep a file as long as it is open
                self._remove_notes()
        return written

    def release(self) -> None:
        """Let other runs in until the next picture is noted: a process can hold so many files only."""
        if self._file is not None:
            self._file.close()
            self._file = None

    # Notes -----------------------------------------------------------------------------------------------------------

    def _open(self) -> FileIO:
        if self._file is None:
            self._file = open_held(self._notes)
            with writing(self._notes):
                self._file.truncate(self._end)
        return self._file

    def _remove_notes(self) -> bool:
        try:
            self._notes.unlink()
        except OSError:
            return False
        return True

    def _note(self, source: str, result: PictureResult, stem: str) -> None:
        poses = result.poses
        header = Header(model=self._model, skeletons=(poses.skeleton,)).to_dict()
        first = {} if self._end else {"header": {**header, "conditions": self._conditions}}
        exact = {
            "source": _hash(source),
            "stem": base64.b64encode(os.fsencode(stem)).decode(),
            "keypoints": pack_array(poses.keypoints),
            "keypoint_scores": pack_array(poses.keypoint_scores),
            "scores": pack_array(poses.scores),
        }
        if poses.keypoint_errors is not None:
            exact["keypoint_errors"] = pack_array(poses.keypoint_errors)
        place = {"file": result.file, "height": result.size[0], "width": result.size[1]}
        line = encode_json({**first, **place, **poses.to_dict(), "exact": exact}) + b"\n"
        file = self._open()
        with writing(self._notes):
            file.seek(self._end)
            try:
                write_whole(file, line)
            except OSError:
                file.truncate(self._end)  # half a line would spoil the next one
                raise
        self._end += len(line)

    def _read_notes(self) -> None:
        """Take what is there, up to the last whole line."""
        if not self._notes.is_file():
            return
        sources = {_hash(source): source for source in self._numbers}
        skeleton: Skeleton | None = None
        try:
            for end, row in _iterate_rows(self._notes):
                if skeleton is None:
                    skeleton = self._check_header(row["header"])
                source = sources.get(row["exact"]["source"])
                if source is None:
                    raise MediaError(
                        f"{self._notes} is about {row['file']}, too, which is not among the pictures of this run; give "
                        "all that were given before, or start again without --resume"
                    )
                result = PictureResult(
                    str(row["file"]), (int(row["height"]), int(row["width"])), _unpack(row["exact"], skeleton),
                    self._numbers[source],
                )  # fmt: skip
                self._results[source] = result
                self.known[source] = os.fsdecode(base64.b64decode(row["exact"]["stem"]))
                self._waiting.pop(source, None)
                self._end = end
        except MediaError:
            raise
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise MediaError(
                f"{self._notes} is damaged ({describe_error(error)}); start again without --resume"
            ) from error

    def _check_header(self, header: Mapping[str, Any]) -> Skeleton:
        check_conditions(self._notes, header["conditions"], json.loads(encode_json(self._conditions)))
        (skeleton,) = header["skeletons"].values()
        return Skeleton.from_dict(skeleton)

    def _check_others(self) -> None:
        """Refuse to replace what is about other pictures: it would be lost, and nobody would know."""
        own: set[str] | None = None
        for maker in self._makers:
            path = self._folder / f"{self._stem}{maker.ending}"
            if maker.list_files is None or not path.is_file():
                continue
            own = own or {identify(name_picture(source)) for source in self._numbers}
            try:
                others = [name for name in maker.list_files(path) if identify(name) not in own]
            except (OSError, ValueError, KeyError, TypeError, AttributeError, PoseError) as error:
                raise MediaError(
                    f"{path} is there, and is none of our results ({describe_error(error)}); move it"
                ) from error
            if others:
                names = f"{', '.join(others[:_NAMED])}{' ...' if len(others) > _NAMED else ''}"
                raise MediaError(
                    f"{path} holds the results of other pictures ({names}), which would be lost; give all pictures in "
                    "one command, choose another folder with --out, or move the file"
                )


def name_picture(source: str) -> str:
    """What a picture is called in results: as it was given, fit for every reader, without secrets."""
    return without_secrets(source) if is_url(source) else to_text(source)


def identify(name: str | Path) -> str:
    """Equal for equal files, on file systems that ignore case, too."""
    return str(name) if is_url(str(name)) else os.path.realpath(name).casefold()  # of links in a circle, too


def _hash(source: str) -> str:
    """Tells sources apart that results call the same, without telling them."""
    return hashlib.sha256(os.fsencode(source)).hexdigest()


def _iterate_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Whole lines, each with its end in bytes, up to one that is broken: it was not whole when a machine went down."""
    with path.open("rb") as file:
        while (line := file.readline(_MAX_LINE)).endswith(b"\n"):
            try:
                row = json.loads(line)
            except ValueError:
                return
            yield file.tell(), row


def _unpack(exact: Mapping[str, Any], skeleton: Skeleton) -> Poses:
    k, errors = len(skeleton.keypoints), exact.get("keypoint_errors")
    return Poses(
        skeleton,
        keypoints=unpack_array(exact["keypoints"]).reshape(-1, k, 2),
        keypoint_scores=unpack_array(exact["keypoint_scores"]).reshape(-1, k),
        scores=unpack_array(exact["scores"]),
        keypoint_errors=None if errors is None else unpack_array(errors).reshape(-1, k),
    )
