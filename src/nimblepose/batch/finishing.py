"""From parts to results: of each video, and of all pictures, the files that `track` and `predict` make of the whole."""

import dataclasses
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from nimblepose.batch.parts import PARTS, Part, Row, read_part
from nimblepose.batch.progress import WHOLE
from nimblepose.batch.seams import Joiner, SeamError
from nimblepose.batch.stores import Store, open_store
from nimblepose.core.errors import MediaError, OptionError, PoseError
from nimblepose.core.files import make_folder, replacing
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import Skeleton
from nimblepose.core.text import describe_bug
from nimblepose.media.frames import Frame, Stamp, StreamInfo
from nimblepose.results.formats import parse_formats
from nimblepose.results.numbering import number_pictures
from nimblepose.results.output_format import Header, OutputFormat, PictureResult
from nimblepose.results.picture_sink import PictureSink, SinkOptions
from nimblepose.results.recording import check_results
from nimblepose.results.result_folder import name_picture
from nimblepose.results.video_sink import VideoSink, VideoSinkOptions
from nimblepose.runtime.video import follow, start_smoother, start_tracker
from nimblepose.tracking.offline import OfflineOptions, smooth_offline
from nimblepose.tracking.smoothing import SmoothOptions
from nimblepose.tracking.tracker import TrackOptions

RESULTS, FINISHED = "results", "finished"  # folders of a batch


@dataclasses.dataclass(frozen=True, kw_only=True)
class FinishOptions:
    """What is made of what was found, as plain data."""

    formats: str = "json"  # with commas
    smoothing: str = "live"  # offline, off
    max_gap: float = 3.0  # seconds

    def parse(self) -> tuple[OutputFormat, ...]:
        """The formats.

        Raises:
            OptionError: an unknown one.
            MissingPackageError: one needs a package that is not installed.
        """
        formats = parse_formats(self.formats)
        for chosen in formats:
            chosen.check_available()
        return formats


def finish_task(task: Mapping[str, Any]) -> dict[str, Any]:
    """Finish one video, or all pictures, and note what came of it in the batch; for a worker process.

    Args:
        task: `store`, `note` (the name of the note), `model` (its name), `options` (of `FinishOptions`), `out` (a
            folder, or None: `results` in the batch); of a video `name`, `stem`, `parts`, `counted` and `whole` (the id
            of the unit that it becomes if its pieces do not fit); of pictures `groups` and `among_videos`.

    Returns:
        What is noted: `frames` and `people` (identities; of pictures everybody in all of them), `cpu` seconds of
        finding, `problems`, `files`; and `failure` where nothing came of it, which is not noted.
    """
    store, options = open_store(task["store"]), FinishOptions(**task["options"])
    base = {"id": task["id"], "name": task["name"]}
    try:
        with _place(task["out"]) as folder:
            finish = _finish_pictures if "groups" in task else _finish_video
            note = finish(store, task, folder, options)
            if task["out"] is None:
                files = _upload(store, folder, note["files"])
            else:
                files = [str(path) for path in note["files"]]
        return {**base, **note, "files": files}
    except SeamError as error:
        store.write(f"{WHOLE}/{task['whole']}", b"")
        again = "it is done in one piece when the batch is run again"
        return {**base, "failure": f"{error}; {again}", "seam": True}
    except PoseError as error:
        return {**base, "failure": str(error)}
    except Exception as error:  # a bug of ours that this video brings out
        return {**base, "failure": f"{task['name']}: {describe_bug(error)}"}


@contextmanager
def _place(out: str | None) -> Iterator[Path]:
    """The folder to write into: the one given, or one that is gone afterwards."""
    if out is not None:
        make_folder(Path(out))
        yield Path(out)
        return
    with tempfile.TemporaryDirectory(prefix="nimblepose-") as folder:
        yield Path(folder)


def _upload(store: Store, folder: Path, files: Iterable[Path]) -> list[str]:
    written = []
    for path in files:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            name = f"{RESULTS}/{file.relative_to(folder).as_posix()}"
            store.put(name, file)
            written.append(name)
    return written


def _read(store: Store, name: str) -> Part:
    return read_part(store.read(f"{PARTS}/{name}"), name)


# Videos --------------------------------------------------------------------------------------------------------------


class _Source:
    """Says of a video what its results say; its frames were read before."""

    live, dropped = False, 0

    def __init__(self, info: StreamInfo) -> None:
        self.info, self.problems = info, list[str]()

    def __iter__(self) -> Iterator[Frame]:
        return iter(())

    def close(self) -> None:
        """Nothing is open."""


def _finish_video(store: Store, task: Mapping[str, Any], folder: Path, options: FinishOptions) -> dict[str, Any]:
    stem = folder / task["stem"]
    check_results(stem, task["name"])
    joiner = Joiner(task["name"], counted=task["counted"])
    rows = joiner.join(partial(_read, store, name) for name in task["parts"])
    found = ((row.stamp, row.poses) for row in rows)
    first = next(found, None)
    if first is None:
        raise MediaError("; ".join(joiner.joined.problems) or f"{task['name']}: no frame in the part chosen")
    sink = VideoSink(
        stem,
        _Source(joiner.joined.info),
        VideoSinkOptions(formats=options.parse(), video=False),
        model=task["model"],
        skeleton=first[1].skeleton,
    )
    frames, identities = 0, set[int]()
    try:
        for stamp, poses in _follow(chain([first], found), options):
            sink.add(stamp, poses)
            frames += 1
            identities.update([] if poses.track_ids is None else poses.track_ids.tolist())
        files = sink.finish()
    finally:
        sink.close()
    joined = joiner.joined
    return {
        "frames": frames, "people": len(identities), "cpu": joined.cpu, "problems": joined.problems, "files": files,
        "seconds": joined.info.duration,
    }  # fmt: skip


def _follow(found: Iterable[tuple[Stamp, Poses]], options: FinishOptions) -> Iterator[tuple[Stamp, Poses]]:
    """With identities, and steadied, as a `Recording` does it."""
    tracker = start_tracker(TrackOptions(max_gap=options.max_gap))
    if options.smoothing != "offline":
        smoother = start_smoother(SmoothOptions()) if options.smoothing == "live" else None
        yield from follow(found, tracker, smoother, live=False)
        return
    followed = list(follow(found, tracker, None, live=False))
    steady = smooth_offline([(stamp.time, poses) for stamp, poses in followed], OfflineOptions())
    yield from zip((stamp for stamp, _ in followed), steady, strict=True)


# Pictures ------------------------------------------------------------------------------------------------------------


class _Pictures:
    """What was found in all pictures, in order, as often as it is asked for: parts are read anew."""

    def __init__(self, store: Store, groups: Iterable[Mapping[str, Any]]) -> None:
        self._store, self._groups = store, list(groups)
        names = [name for group in self._groups for name in group["pictures"]]
        self._numbers = dict(zip(names, number_pictures(names), strict=True))

    def __iter__(self) -> Iterator[PictureResult]:
        for name, row in self.iterate_rows():
            if row.failure is None:
                yield PictureResult(name_picture(name), row.stamp.size, row.poses, self._numbers[name])

    def iterate_rows(self) -> Iterator[tuple[str, Row]]:
        for group in self._groups:
            for part in group["parts"]:
                for row in _read(self._store, part).rows:
                    yield group["pictures"][row.stamp.index], row

    def read_facts(self) -> Iterator[dict[str, Any]]:
        for group in self._groups:
            yield from (_read(self._store, part).facts for part in group["parts"])


def _finish_pictures(store: Store, task: Mapping[str, Any], folder: Path, options: FinishOptions) -> dict[str, Any]:
    names = [name for group in task["groups"] for name in group["pictures"]]
    formats, pictures = options.parse(), _Pictures(store, task["groups"])
    facts = list(pictures.read_facts())
    problems = [str(fact["failure"]) for fact in facts if "failure" in fact]
    cpu = sum(fact.get("cpu", 0.0) for fact in facts)
    sink = PictureSink(  # keeps other runs out, and results of other pictures safe
        names, SinkOptions(out=folder, formats=formats, pictures=False), model=task["model"],
        among_videos=task["among_videos"],
    )  # fmt: skip
    alone = any(chosen.picture for chosen in formats)  # a file per picture: the sink knows their names
    people, done, files = 0, 0, list[Path]()
    skeletons: dict[str, Skeleton] = {}
    for name, row in pictures.iterate_rows():
        if row.failure is not None:
            problems.append(row.failure)
            sink.skip(name)
            continue
        if alone:
            files += sink.write(name, row.stamp.size, row.poses, None, whole=False)
        people, done = people + len(row.poses), done + 1
        skeletons[row.poses.skeleton.name] = row.poses.skeleton
    files += sink.finish()
    problems += sink.failures.values()
    if not alone and done:
        header = Header(model=task["model"], skeletons=tuple(skeletons.values()))
        files += [_stream(chosen, folder, pictures, header) for chosen in formats]
    return {"frames": done, "people": people, "cpu": cpu, "problems": problems, "files": files, "seconds": None}


def _stream(chosen: OutputFormat, folder: Path, pictures: _Pictures, header: Header) -> Path:
    """The file about all pictures, written as their parts are read."""
    if chosen.folder is None:
        raise OptionError(f"the format {chosen.name} has no file about many pictures")
    path = folder / f"poses{chosen.folder.ending}"
    stream = chosen.folder.stream
    with replacing(path) as temporary, temporary.open("wb") as file:
        for piece in stream(pictures, header) if stream else [chosen.folder.make(list(pictures), header)]:
            file.write(piece)
    return path
