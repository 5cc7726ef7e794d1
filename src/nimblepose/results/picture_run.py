"""Pictures from their sources to their results, many at a time: read, estimated, drawn, encoded, written in order."""

import logging
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from nimblepose.core.errors import PoseError
from nimblepose.core.geometry import Size
from nimblepose.core.poses import Poses
from nimblepose.core.reduction import Reduced, enlarge
from nimblepose.core.share import count_frame_bytes
from nimblepose.core.text import describe_bug
from nimblepose.core.web import fetch_picture, is_url
from nimblepose.media.levels import Levels
from nimblepose.media.pictures import MAX_PIXELS, Picture, read_reduced
from nimblepose.media.turning import turn
from nimblepose.results.picture_sink import PictureSink
from nimblepose.results.result_folder import name_picture
from nimblepose.runtime.prepare import resize
from nimblepose.runtime.streaming import Allowance

_log = logging.getLogger(__name__)

T = TypeVar("T")
R = TypeVar("R")

_LARGE_FILE = 1 << 25  # bytes; such files are held one at a time
_SCREEN = 2048  # pixels of the longer side
_Find = Callable[[Picture], Poses]


class Mapper(Protocol):
    """What finds poses in pictures, as `PoseEstimator` does."""

    def estimate(self, picture: Picture) -> Poses:
        """Poses of one picture, as soon as possible."""

    def map(self, work: Callable[[T, _Find], R], items: Iterable[T]) -> Generator[R, None, None]:
        """Results of `work(item, find)`, in order, as many of them per second as possible."""


class Outcome(NamedTuple):
    """What became of one source."""

    source: str  # fit to be printed
    people: int  # found
    written: list[Path]
    failure: str | None = None  # why there are no results of it, or not all
    shown: Picture | None = None  # the annotated picture, no larger than a screen, if it is to be shown


class _Done(NamedTuple):
    """A picture that is ready to be written."""

    size: Size
    poses: Poses
    drawn: bytes | None  # the annotated picture as a file
    shown: Picture | None  # see `Outcome`
    failure: str | None  # why it could not be drawn


class PictureRun:
    """Iterate over it to do the work, one `Outcome` per source, in order; then `finish`.

    While the caller writes what is done, other threads read, estimate, draw and encode the next pictures. All that are
    held at a time have no more pixels than the largest picture that may be read. A source that fails costs no other.
    """

    def __init__(
        self,
        estimator: Mapper,
        sources: Sequence[str],
        sink: PictureSink,
        *,
        max_pixels: int = MAX_PIXELS,
        levels: Levels = "auto",
    ) -> None:
        """Nothing is read before the iteration begins.

        Args:
            estimator: Finds people.
            sources: Files and http(s) addresses of pictures.
            sink: Of the same sources.
            max_pixels: That are held at a time. A JPEG with more is read reduced, see `read_reduced`, and drawn so; its
                poses are in the pixels of the file.
            levels: Of pictures of more than 8 bits: which values become black and white.
        """
        self._estimator, self._sources, self._sink = estimator, sources, sink
        self._max_pixels, self._memory = max_pixels, Allowance(min(max_pixels, count_frame_bytes() // 3))
        self._levels = levels
        self.stopped = False

    def __iter__(self) -> Iterator[Outcome]:
        """Do the work."""
        known = self._sink.known
        remaining = [source for source in self._sources if source not in known]
        results: Iterator[_Done | str]
        if len(remaining) == 1:  # all cores on the only picture
            results = (self._work(source, self._estimator.estimate) for source in self._until_stopped(remaining))
        else:
            results = self._estimator.map(self._work, self._until_stopped(remaining))
        for source in self._sources:
            if source in known:
                yield Outcome(name_picture(source), len(known[source].poses), [])
            elif (done := next(results, None)) is not None:
                yield self._write(source, done)
            else:
                return  # it was stopped

    def stop(self) -> None:
        """Take no further picture; those under way are still done. For signal handlers and other threads."""
        self.stopped = True

    def finish(self) -> list[Path]:
        """Write the files about all pictures that are done and return them; one that fails costs no other."""
        return self._sink.finish()

    @property
    def failures(self) -> dict[str, str]:
        """Of `finish`: files that could not be written, with the reason."""
        return self._sink.failures

    def _until_stopped(self, sources: Iterable[str]) -> Iterator[str]:
        for source in sources:
            if self.stopped:
                return
            yield source

    def _work(self, source: str, find: _Find) -> _Done | str:
        """All that may be done beside other pictures; of what fails the reason."""

        def work() -> _Done:
            with self._memory.taken() as take:
                picture, size, reduction = self._read(source, take)
                poses = find(picture)
                drawings, failure = _try(source, lambda: self._draw(source, picture, poses))
                return _Done(size, enlarge(poses, reduction), *(drawings or (None, None)), failure)

        done, failure = _try(source, work)
        return done or str(failure)

    def _draw(self, source: str, picture: Picture, poses: Poses) -> tuple[bytes | None, Picture | None]:
        """The annotated picture to be written, and to be shown."""
        painted = self._sink.paint(picture, poses)
        shown = _shrink(painted) if painted is not None and self._sink.options.show else None
        return self._sink.encode(source, painted), shown

    def _read(self, source: str, take: Callable[[int], None]) -> Reduced:
        """The picture, after the memory for its pixels was taken; for a large file all there is."""
        if is_url(source):
            return self._decode(fetch_picture(source), take)
        path = Path(source)
        if path.is_file() and path.stat().st_size > _LARGE_FILE:
            take(self._max_pixels)
            return self._decode(path, None)
        return self._decode(path, take)

    def _decode(self, source: Path | bytes, take: Callable[[int], None] | None) -> Reduced:
        read = read_reduced(source, max_pixels=self._max_pixels, levels=self._levels, expect=take)
        rotation = self._sink.options.rotation
        size = read.size[::-1] if rotation % 180 else read.size
        return Reduced(turn(read.picture, rotation), size, read.reduction)

    def _write(self, source: str, done: _Done | str) -> Outcome:
        name = name_picture(source)
        if isinstance(done, str):
            self._sink.skip(source)
            return Outcome(name, 0, [], done)
        size, poses, drawn, shown, failure = done
        write = partial(self._sink.write, source, size, poses, drawn, whole=failure is None)
        written, unwritten = _try(source, write)
        return Outcome(name, len(poses), written or [], failure or unwritten, shown)


def _shrink(picture: Picture) -> Picture:
    """As large as a screen at most: pictures wait until somebody has looked at those before."""
    factor = _SCREEN / max(picture.shape[:2])
    height, width = (max(1, round(side * min(factor, 1))) for side in picture.shape[:2])
    return resize(picture, (height, width))


def _try(source: str, work: Callable[[], R]) -> tuple[R | None, str | None]:
    """What `work` returns, and None; or None, and why it could not: one picture must not cost the others."""
    try:
        return work(), None
    except PoseError as error:
        return None, str(error)
    except Exception as error:  # a bug of ours that this picture brings out
        name = name_picture(source)
        _log.debug("%s", name, exc_info=True)
        return None, f"{name}: {describe_bug(error)}"
