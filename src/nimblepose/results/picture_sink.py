"""Where the results of a run over pictures go, under names that harm nobody's files."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import unquote, urlsplit

from nimblepose.core.errors import MediaError
from nimblepose.core.files import write_atomically
from nimblepose.core.geometry import Size
from nimblepose.core.poses import Poses
from nimblepose.core.web import is_url, without_secrets
from nimblepose.drawing.people import DrawOptions, draw_poses
from nimblepose.media.encoding import ENCODED_SUFFIXES, encode_picture
from nimblepose.media.pictures import Picture
from nimblepose.media.sources import ANNOTATED
from nimblepose.results.parquet import tidy_parquet
from nimblepose.results.writers import PictureResult, coco_results, openpose_json, own_json, tidy_csv

Format = Literal["json", "coco", "openpose", "csv", "parquet"]
FORMATS: tuple[Format, ...] = get_args(Format)


@dataclass(frozen=True, kw_only=True)
class SinkOptions:
    """What is written, and where."""

    out: Path | None = None  # one folder for everything; None: next to each picture
    formats: Sequence[Format] = ("json",)
    pictures: bool = True  # write annotated pictures
    draw: DrawOptions = field(default_factory=DrawOptions)


class PictureSink:
    """Writes each annotated picture (and OpenPose file) at once, and the files about the whole run at the end.

    `photo.jpg` becomes `photo.poses.jpg`; two pictures of one name become `photo.poses.jpg` and `photo-2.poses.jpg`.
    The files about the run are `poses.json`, `.coco.json`, `.csv`, `.parquet`, one per folder that gets results; of a
    single picture without `out` they carry its name. A source is never overwritten; earlier results are replaced.
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
        """
        self.options, self.model = options, model
        listed = [str(source) for source in sources]
        self._alone = len(listed) == 1 and options.out is None and not among_videos
        self._taken = {_key(Path(source)) for source in listed if not is_url(source)}
        self._results: dict[Path, list[PictureResult]] = defaultdict(list)

    def add(self, source: str | Path, picture: Picture, poses: Poses) -> list[Path]:
        """Draw and write what belongs to one picture; return the files written.

        Raises:
            MediaError: a file cannot be written.
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

        Args:
            source: One of those of the run.
            size: (height, width) of the upright picture in pixels.
            poses: Who was found in it.
            drawn: What `draw` returned.

        Raises:
            MediaError: a file cannot be written.
        """
        place = self.options.out or (Path() if is_url(str(source)) else Path(source).parent)
        stem = _stem_and_suffix(str(source))[0]
        result = PictureResult(without_secrets(str(source)) if is_url(str(source)) else str(source), size, poses)
        annotated, keypoints = self._free(place, stem, (f"{ANNOTATED}{_drawn_suffix(str(source))}", "_keypoints.json"))
        written = []
        if drawn is not None:
            write_atomically(annotated, drawn)
            written.append(annotated)
        if "openpose" in self.options.formats:
            write_atomically(keypoints, openpose_json(result))
            written.append(keypoints)
        self._results[place].append(result)
        return written

    def finish(self) -> list[Path]:
        """Write the files about all pictures added so far and return them.

        Raises:
            MediaError: a file cannot be written.
        """
        written = []
        for place, results in self._results.items():
            stem = f"{_stem_and_suffix(results[0].file)[0]}{ANNOTATED}" if self._alone else "poses"
            contents: dict[Format, tuple[str, Callable[[], bytes]]] = {
                "json": (f"{stem}.json", partial(own_json, results, self.model)),
                "coco": (f"{stem}.coco.json", partial(coco_results, results)),
                "csv": (f"{stem}.csv", partial(tidy_csv, results)),
                "parquet": (f"{stem}.parquet", partial(tidy_parquet, results)),
            }
            for name, make in (contents[kind] for kind in self.options.formats if kind in contents):
                write_atomically(place / name, make())
                written.append(place / name)
        return written

    def _free(self, place: Path, stem: str, endings: Sequence[str]) -> list[Path]:
        """Names that are no source and were not given out in this run."""
        for count in range(1, len(self._taken) + 2):
            paths = [place / f"{stem}{f'-{count}' if count > 1 else ''}{ending}" for ending in endings]
            keys = {_key(path) for path in paths}
            if not keys & self._taken:
                self._taken |= keys
                return paths
        raise MediaError(f"no free name for {stem} in {place}")  # cannot be: there are more names than files


def parse_formats(text: str) -> tuple[Format, ...]:
    """A comma-separated list of formats.

    >>> parse_formats("jsonl,csv")  # of a video, "json" is one line per frame
    ('json', 'csv')

    Raises:
        MediaError: an unknown format.
    """
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    names = ["json" if name == "jsonl" else name for name in names]
    chosen = tuple(known for name in names for known in FORMATS if known == name)
    if len(chosen) != len(names):
        unknown = ", ".join(sorted(set(names) - set(FORMATS)))
        raise MediaError(f"unknown format {unknown}; choose from {', '.join(FORMATS)}")
    return chosen


def _stem_and_suffix(source: str) -> tuple[str, str]:
    """What names a source; of an address its last part, with nothing that means something to a file system."""
    if not is_url(source):
        return Path(source).stem, Path(source).suffix
    name = re.sub(r"[^\w.-]", "_", unquote(urlsplit(source).path).rpartition("/")[2]).strip(".")
    return Path(name).stem or "picture", Path(name).suffix


def _drawn_suffix(source: str) -> str:
    """Of the annotated picture: the source's own if we write such files."""
    suffix = _stem_and_suffix(source)[1]
    return suffix if suffix.lower() in ENCODED_SUFFIXES else ".png"


def _key(path: Path) -> str:
    """Equal for equal files, on file systems that ignore case, too."""
    return str(path.resolve()).casefold()
