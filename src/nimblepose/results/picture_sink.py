"""Where the results of a run over pictures go, under names that harm nobody's files."""

import dataclasses
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from nimblepose.core.errors import OptionError
from nimblepose.core.files import make_folder, write_atomically
from nimblepose.core.geometry import Size
from nimblepose.core.poses import Poses
from nimblepose.core.web import is_url, without_secrets
from nimblepose.drawing.people import DrawOptions
from nimblepose.drawing.surface import Surface, draw_on
from nimblepose.media.encoding import ENCODED_SUFFIXES, encode_picture
from nimblepose.media.finding import ANNOTATED
from nimblepose.media.pictures import Picture
from nimblepose.media.suffixes import HEIC_SUFFIXES
from nimblepose.results.formats import own
from nimblepose.results.naming import mirror_folders, shorten
from nimblepose.results.numbering import number_pictures
from nimblepose.results.output_format import OutputFormat, PictureMaker, PictureResult
from nimblepose.results.result_folder import ResultFolder, identify, name_picture

_HELD = 64  # folders that a run keeps other runs out of from its beginning to its end; of more each while it writes


@dataclass(frozen=True, kw_only=True)
class SinkOptions:
    """What is written, and where."""

    out: Path | None = None  # one folder for everything; None: next to each picture
    formats: Sequence[OutputFormat] = (own.FORMAT,)
    pictures: bool = True  # write annotated pictures
    draw: DrawOptions = field(default_factory=DrawOptions)
    canvas: Surface = "picture"  # what is drawn on
    show: bool = False  # draw even if no annotated pictures are written
    rotation: int = 0  # by which pictures were turned
    resume: bool = False  # go on where an earlier run broke off
    conditions: Mapping[str, Any] = field(default_factory=dict)  # what findings depend on beside the pictures


class PictureSink:
    """Writes each annotated picture, and files about it alone, at once, and the files about the whole run at the end.

    `photo.jpg` becomes `photo.poses.jpg`; `photo.jpg` and `photo.JPG` become `photo.poses.jpg` and `photo-2.poses.JPG`.
    In one folder for everything, pictures of one name from several folders lie as their sources do: `mirror_folders`.
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
            OptionError: a format is of videos, and there are none.
        """
        for chosen in options.formats:
            chosen.check_available()
            if not (chosen.folder or chosen.picture or among_videos):
                raise OptionError(f"--format {chosen.name} is of videos; `track` takes a folder of pictures for one")
        self.options = options
        listed = list(dict.fromkeys(str(source) for source in sources))
        alone = len(listed) == 1 and options.out is None and not among_videos
        stem = f"{_stem_and_suffix(listed[0])[0]}{ANNOTATED}" if alone else "poses"  # of files about the run
        self._taken = {identify(source) for source in listed if not is_url(source)}
        places = defaultdict(list)
        for source in listed:
            places[self._place(source)].append(source)
        self._below = self._mirror(listed)
        self._latest: Counter[str] = Counter()  # the number that a name had last: those before it are taken
        conditions = {
            **options.conditions,
            "pictures": dataclasses.asdict(options.draw) if options.pictures else None,
            "canvas": options.canvas if options.pictures and options.canvas != "picture" else None,
            "rotation": options.rotation or None,
            "formats": [chosen.name for chosen in options.formats if chosen.picture],
        }
        makers = [chosen.folder for chosen in options.formats if chosen.folder]
        self._numbers: dict[str, int] = {}
        self._folders: dict[Path, ResultFolder] = {}
        self.known: dict[str, PictureResult] = {}  # pictures that an earlier run has done
        for place, here in places.items():
            numbers = dict(zip(here, number_pictures(here), strict=True))
            folder = ResultFolder(
                place,
                stem,
                numbers,
                makers,
                model=model,
                conditions=conditions,
                rotation=options.rotation,
                resume=options.resume,
            )
            self._numbers |= numbers
            self._folders[place] = folder
            for source, begin in folder.known.items():
                self.known[source] = folder.results[source]
                self._taken |= {identify(path) for path in self._paths(source, begin)}
        if len(self._folders) <= _HELD:
            for folder in self._folders.values():
                folder.hold()
        self._written: list[Path] = []
        self.failures: dict[str, str] = {}  # files about the run that could not be written -> why

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
        return self.encode(source, self.paint(picture, poses))

    def paint(self, picture: Picture, poses: Poses) -> Picture | None:
        """The first half of `draw`: the picture with everybody on it; None if nobody wants to see it."""
        if not (self.options.pictures or self.options.show):
            return None
        return draw_on(self.options.canvas, picture, poses, self.options.draw)

    def encode(self, source: str | Path, painted: Picture | None) -> bytes | None:
        """The second half of `draw`."""
        if painted is None or not self.options.pictures:
            return None
        return encode_picture(painted, _drawn_suffix(str(source)))

    def write(
        self, source: str | Path, size: Size, poses: Poses, drawn: bytes | None, *, whole: bool = True
    ) -> list[Path]:
        """Write what belongs to one picture; return the files written. By one thread, in the order of the results.

        Whatever cannot be written, the poses are kept for the files about the run.

        Args:
            source: One of those of the run.
            size: (height, width) of the upright picture in pixels.
            poses: Who was found in it.
            drawn: What `draw` returned.
            whole: False: something is missing, which a resumed run shall try again.

        Raises:
            MediaError: a file cannot be written.
        """
        source = str(source)
        result = PictureResult(name_picture(source), size, poses, self._numbers[source])
        stem, (annotated, *alone) = self._choose_names(source)
        written = []
        try:
            if drawn is not None:
                self._write(source, annotated, drawn)
                written.append(annotated)
            for path, maker in zip(alone, self._makers, strict=True):
                self._write(source, path, maker.make(result))
                written.append(path)
        except Exception:
            self._keep(source, result, None)
            raise
        self._keep(source, result, stem if whole else None)
        return written

    def _keep(self, source: str, result: PictureResult, stem: str | None) -> None:
        folder = self._folders[self._place(source)]
        folder.add(source, result, stem)
        if len(self._folders) > _HELD:
            folder.release()
        self._finish_folder(source)

    def skip(self, source: str | Path) -> None:
        """Nothing comes of this picture."""
        self._folders[self._place(str(source))].skip(str(source))
        self._finish_folder(str(source))

    def finish(self) -> list[Path]:
        """Write the files about all pictures added so far and return them; one that fails costs no other.

        What could not be written, and why, is in `failures`.
        """
        for place in list(self._folders):
            self._finish(place)
        return self._written

    def _place(self, source: str) -> Path:
        """The folder of what is written about a picture."""
        return self.options.out or (Path() if is_url(source) else Path(source).parent)

    def _mirror(self, sources: Sequence[str]) -> dict[str, Path]:
        """Of files in one folder for everything: where below it what is written about one of them alone lies."""
        if self.options.out is None:
            return {}
        files = [source for source in sources if not is_url(source)]
        places = []
        for source in files:
            ending = "" if self._makers else _drawn_suffix(source)  # what makers make is told apart by the stem alone
            places.append((Path(source).parent, f"{_stem_and_suffix(source)[0]}{ending}"))
        return dict(zip(files, mirror_folders(places), strict=True))

    def _write(self, source: str, path: Path, data: bytes) -> None:
        if self._below.get(source, Path()) != Path():
            make_folder(path.parent)
        write_atomically(path, data)

    def _finish_folder(self, source: str) -> None:
        """Write the files about a folder as soon as all its pictures are done."""
        place = self._place(source)
        if self._folders[place].is_complete:
            self._finish(place)

    def _finish(self, place: Path) -> None:
        folder = self._folders.pop(place)
        self._written += folder.finish()
        self.failures |= folder.failures

    def _choose_names(self, source: str) -> tuple[str, list[Path]]:
        """Names of what is written about a picture that are no source and were not given out in this run."""
        stem = _stem_and_suffix(source)[0]
        wanted = "\0".join(map(str, self._paths(source, stem))).casefold()
        while True:  # ends: there are more numbers than files
            self._latest[wanted] += 1
            begin = f"{stem}-{self._latest[wanted]}" if self._latest[wanted] > 1 else stem
            paths = self._paths(source, begin)
            keys = {identify(path) for path in paths}
            if not keys & self._taken:
                self._taken |= keys
                return begin, paths

    def _paths(self, source: str, stem: str) -> list[Path]:
        """The annotated picture, and what each maker makes."""
        place = self._place(source) / self._below.get(source, Path())
        endings = [maker.ending for maker in self._makers]
        return [place / f"{stem}{ending}" for ending in (f"{ANNOTATED}{_drawn_suffix(source)}", *endings)]

    @property
    def _makers(self) -> list[PictureMaker]:
        return [chosen.picture for chosen in self.options.formats if chosen.picture]


def _stem_and_suffix(source: str) -> tuple[str, str]:
    """What names a source; of an address its last part, with nothing that means something to a file system."""
    if not is_url(source):
        return shorten(Path(source).stem), Path(source).suffix
    path = without_secrets(source).partition("://")[2].partition("/")[2]
    name = re.sub(r"[^\w.-]", "_", unquote(path).rpartition("/")[2]).strip(".")
    return shorten(Path(name).stem) or "picture", Path(name).suffix


def _drawn_suffix(source: str) -> str:
    """Of the annotated picture: the source's own if we write such files."""
    suffix = _stem_and_suffix(source)[1]
    if suffix.lower() in HEIC_SUFFIXES:
        return ".jpg"  # a photo
    return suffix if suffix.lower() in ENCODED_SUFFIXES else ".png"
