"""Which pictures and videos a file, a folder or a pattern means."""

import glob
import re
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Literal, NamedTuple

from nimblepose.core.errors import MediaError, MissingPackageError
from nimblepose.media.containers import find_video_stream, open_container
from nimblepose.media.pictures import holds_picture
from nimblepose.media.suffixes import PICTURE_SUFFIXES, PROXY_SUFFIXES, VIDEO_SUFFIXES

ANNOTATED = ".poses"  # stands before the suffix of every picture and video that we draw
_OURS = (ANNOTATED, f"{ANNOTATED}.partial")
_NO_VIDEOS = ("tty", "bin", "xbin", "adf", "idf", "image2")  # FFmpeg shows text and pictures as videos, too


class Found(NamedTuple):
    """Files, sorted."""

    pictures: list[Path]
    videos: list[Path]
    others: list[Path]  # that a pattern fits


def find_media(source: str) -> Found:
    """The files that `source` means: itself, what is in a folder, or what a pattern (`*`, `?`, `**`, `[ab]`) fits.

    Folders are not descended into (write `folder/**/*.jpg`). A pattern's ending fits in capital letters, too (`*.jpg`
    fits `IMG_1.JPG`), and brackets in the names of folders that are there stand for themselves. What was annotated by
    us is left out, and so are hidden files (`._NAME` of macOS, `.trashed-NAME` of Android), unless they are named
    outright, and in folders the small copies that cameras keep of their videos (.lrv, .lrf).

    Raises:
        MediaError: nothing is there.
    """
    path = Path(source).expanduser()
    if path.is_dir():
        listed = (p for p in path.iterdir() if not p.name.startswith(".") and p.suffix.lower() not in PROXY_SUFFIXES)
        found = _sort((p for p in listed if p.suffix.lower() in PICTURE_SUFFIXES + VIDEO_SUFFIXES), by_name=True)
        if not found.pictures and not found.videos:
            raise MediaError(
                f"{source}: no pictures or videos in this folder; for its sub-folders write {source}/**/*.jpg"
            )
        return found
    if is_there(path) or not glob.has_magic(source):
        kind = find_kind(path)  # a missing file gets its error where it is read
        return Found([path], [], []) if kind != "video" else Found([], [path], [])
    found = _sort(_match(path), by_name=False)
    if not found.pictures and not found.videos:
        raise MediaError(
            f"{source}: no picture or video fits this pattern"
            + (f", only {len(found.others)} other files, such as {found.others[0]}" if found.others else "")
            + ("; where a name has a [, write [[]" if "[" in source else "")
        )
    return found


def find_pictures(source: str) -> list[Path]:
    """The pictures among what `find_media` finds; a file by its name, whatever it is.

    Raises:
        MediaError: there are none.
    """
    path = Path(source).expanduser()
    if not is_folder(path) and (is_there(path) or not glob.has_magic(source)):
        return [path]
    found = find_media(source)
    if not found.pictures:
        raise MediaError(f"{source}: no pictures, but {len(found.videos)} videos, such as {found.videos[0]}")
    return found.pictures


def find_kind(path: Path) -> Literal["picture", "video"] | None:
    """What a file is by its name; where that says nothing, by what it holds: what PyAV opens is a video.

    >>> find_kind(Path("GX010012.LRV")), find_kind(Path("IMG_1.HEIC")), find_kind(Path("there/is/none"))
    ('video', 'picture', None)
    """
    suffix = path.suffix.lower()
    if suffix in PICTURE_SUFFIXES:
        return "picture"
    if suffix in VIDEO_SUFFIXES:
        return "video"
    if not is_there(path) or not path.is_file():  # a pipe has nothing to look at twice
        return None
    return "picture" if holds_picture(path) else "video" if _holds_video(path) else None


def is_folder(source: str | Path) -> bool:
    """Is there a folder of this name? False for what can be no name, such as one that is too long, too."""
    try:
        return Path(source).is_dir()
    except OSError:
        return False


def is_there(source: str | Path) -> bool:
    """Is there anything of this name? False for what can be no name."""
    try:
        return Path(source).exists()
    except OSError:
        return False


def _sort(paths: Iterable[Path], *, by_name: bool) -> Found:
    """Files that are not of our making, by kind; `by_name`: none of them is opened."""
    found = Found([], [], [])
    for path in sorted(paths):
        if not path.is_file() or path.stem.endswith(_OURS):
            continue
        kind = ("picture" if path.suffix.lower() in PICTURE_SUFFIXES else "video") if by_name else find_kind(path)
        {"picture": found.pictures, "video": found.videos, None: found.others}[kind].append(path)
    return found


def _match(pattern: Path) -> list[Path]:
    """Whatever a pattern fits."""
    start, parts = Path(pattern.anchor), list(pattern.parts[bool(pattern.anchor) :])
    while parts and (not glob.has_magic(parts[0]) or is_there(start / parts[0])):
        start /= parts.pop(0)
    ending = re.search(r"\.[^.\[]*$", parts[-1]) if parts else None
    if ending:
        either = "".join(f"[{c.lower()}{c.upper()}]" if c.isalpha() else c for c in ending[0])
        parts[-1] = parts[-1][: ending.start()] + either
    named = str(Path(glob.escape(str(start)), *parts))
    return [Path(name) for name in glob.iglob(named, recursive=True)]  # noqa: PTH207 - absolute patterns


def _holds_video(path: Path) -> bool:
    try:
        with closing(open_container(path)) as container:
            find_video_stream(container, str(path))
            return not container.format.name.startswith(_NO_VIDEOS) and "_pipe" not in container.format.name
    except (MediaError, MissingPackageError):
        return False
