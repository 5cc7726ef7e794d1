"""Where the results of a run over pictures go, under names that harm nobody's files."""

import logging
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from nimblepose.core.errors import MediaError, PoseError
from nimblepose.core.files import write_atomically
from nimblepose.core.geometry import Size
from nimblepose.core.poses import Poses
from nimblepose.core.web import is_url, without_secrets
from nimblepose.drawing.people import DrawOptions, draw_poses
from nimblepose.media.encoding import ENCODED_SUFFIXES, encode_picture
from nimblepose.media.pictures import Picture
from nimblepose.media.sources import ANNOTATED
from nimblepose.results.formats import own
from nimblepose.results.numbering import number_pictures
from nimblepose.results.output_format import Header, OutputFormat, PictureResult, to_text

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class SinkOptions:
    """What is written, and where."""

    out: Path | None = None  # one folder for everything; None: next to each picture
    formats: Sequence[OutputFormat] = (own.FORMAT,)
    pictures: bool = True  # write annotated pictures
    draw: DrawOptions = field(default_factory=DrawOptions)


class PictureSink:
    """Writes each annotated picture, and files about it alone, at once, and the files about the whole run at the end.

    `photo.jpg` becomes `photo.poses.jpg`; two pictures of one name become `photo.poses.jpg` and `photo-2.poses.jpg`.
    The files about the run are `poses.json` and so on, one per format and folder that gets results; of a single picture
    without `out` they carry its name. A source is never overwritten; earlier results are replaced.
    """

    def __init__(
        self, sources: Iterable[str | Path], options: SinkOptions, *, model: str, among_videos: bool = False
    ) -> None:
        """Remember the sources; nothing is written yet.

        Args:
            sources: All pictures of the run, paths or addresses.
            options: What and where.
            model: Name of the model, written into the results.
            among_videos: There are videos, too, one of which may have the name of a single picture.

        Raises:
            MissingPackageError: a format needs a package that is not installed.
        """
        for chosen in options.formats:
            chosen.check_available()
        self.options, self.model = options, model
        listed = list(dict.fromkeys(str(source) for source in sources))
        alone = len(listed) == 1 and options.out is None and not among_videos
        self._stem = f"{_stem_and_suffix(listed[0])[0]}{ANNOTATED}" if alone else "poses"  # of files about the run
        self._taken = {_key(Path(source)) for source in listed if not is_url(source)}
        places = defaultdict(list)
        for source in listed:
            places[self._place(source)].append(source)
        self._numbers = {
            source: n for here in places.values() for source, n in zip(here, number_pictures(here), strict=True)
        }
        self._results: dict[Path, list[PictureResult]] = defaultdict(list)
        self.failures: dict[str, str] = {}  # files that could not be written -> why

    def add(self, source: str | Path, picture: Picture, poses: Poses) -> list[Path]:
        """Draw and write what belongs to one picture; return the files written.

        Raises:
            MediaError: the picture is too large for the format, or a file cannot be written; its poses are kept.
        """
        return self.write(source, (picture.shape[0], picture.shape[1]), poses, self.draw(source, picture, poses))

    def draw(self, source: str | Path, picture: Picture, poses: Poses) -> bytes | None:
        """The annotated picture as the bytes of its file, for `write`; None if none shall be written.

        May be called by several threads at a time, for pictures in any order.

        Raises:
            MediaError: the picture is too large for the format.
        """
        if not self.options.pictures:
            return None
        return encode_picture(draw_poses(picture, poses, self.options.draw), _drawn_suffix(str(source)))

    def write(self, source: str | Path, size: Size, poses: Poses, drawn: bytes | None) -> list[Path]:
        """Write what belongs to one picture; return the files written. By one thread, in the order of the results.

        Whatever cannot be written, the poses are kept for the files about the run.

        Args:
            source: One of those of the run.
            size: (height, width) of the upright picture in pixels.
            poses: Who was found in it.
            drawn: What `draw` returned.

        Raises:
            MediaError: a file cannot be written.
        """
        source = str(source)
        place = self._place(source)
        stem = _stem_and_suffix(source)[0]
        name = without_secrets(source) if is_url(source) else to_text(source)
        result = PictureResult(name, size, poses, self._numbers[source])
        makers = [chosen.picture for chosen in self.options.formats if chosen.picture]
        endings = [f"{ANNOTATED}{_drawn_suffix(source)}", *(maker.ending for maker in makers)]
        annotated, *alone = self._free(place, stem, endings)
        self._results[place].append(result)
        written = []
        if drawn is not None:
            write_atomically(annotated, drawn)
            written.append(annotated)
        for path, maker in zip(alone, makers, strict=True):
            write_atomically(path, maker.make(result))
            written.append(path)
        return written

    def finish(self) -> list[Path]:
        """Write the files about all pictures added so far and return them; one that fails costs no other.

        What could not be written, and why, is in `failures`.
        """
        written = []
        for place, results in self._results.items():
            skeletons = {result.poses.skeleton.name: result.poses.skeleton for result in results}
            header = Header(model=self.model, skeletons=tuple(skeletons.values()))
            for maker in (chosen.folder for chosen in self.options.formats if chosen.folder):
                path = place / f"{self._stem}{maker.ending}"
                try:
                    write_atomically(path, maker.make(results, header))
                except PoseError as error:
                    self.failures[str(path)] = str(error)
                except Exception as error:  # a bug of ours that one format brings out must not cost the others
                    _log.debug("%s", path, exc_info=True)
                    self.failures[str(path)] = f"{path}: unexpected {type(error).__name__}, please report it: {error}"
                else:
                    written.append(path)
        return written

    def _place(self, source: str) -> Path:
        """The folder of what is written about a picture."""
        return self.options.out or (Path() if is_url(source) else Path(source).parent)

    def _free(self, place: Path, stem: str, endings: Sequence[str]) -> list[Path]:
        """Names that are no source and were not given out in this run."""
        for count in range(1, len(self._taken) + 2):
            paths = [place / f"{stem}{f'-{count}' if count > 1 else ''}{ending}" for ending in endings]
            keys = {_key(path) for path in paths}
            if not keys & self._taken:
                self._taken |= keys
                return paths
        raise MediaError(f"no free name for {stem} in {place}")  # cannot be: there are more names than files


def _stem_and_suffix(source: str) -> tuple[str, str]:
    """What names a source; of an address its last part, with nothing that means something to a file system."""
    if not is_url(source):
        return Path(source).stem, Path(source).suffix
    path = without_secrets(source).partition("://")[2].partition("/")[2]
    name = re.sub(r"[^\w.-]", "_", unquote(path).rpartition("/")[2]).strip(".")
    return Path(name).stem or "picture", Path(name).suffix


def _drawn_suffix(source: str) -> str:
    """Of the annotated picture: the source's own if we write such files."""
    suffix = _stem_and_suffix(source)[1]
    return suffix if suffix.lower() in ENCODED_SUFFIXES else ".png"


def _key(path: Path) -> str:
    """Equal for equal files, on file systems that ignore case, too."""
    return os.path.realpath(path).casefold()  # of links that lead in a circle, too
