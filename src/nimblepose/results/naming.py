"""What results are called: names that tell their source, of which no two are alike."""

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from nimblepose.media.containers import name_source
from nimblepose.media.finding import is_folder
from nimblepose.media.sources import is_camera, is_pattern, is_recorded
from nimblepose.results.person_folder import clean_name

_MOST_BYTES = 220  # of a stem; the longest that follows is `-12345_000000000012_keypoints.json`


def name_results(sources: Sequence[str], out: Path | None) -> list[Path]:
    """Folder and beginning of the names of the results of each video.

    Files keep their names as they are; of cameras and addresses there stays what means nothing to a file system.

    Args:
        sources: Files, folders of frames, cameras, addresses, "-".
        out: Folder for all results, see `mirror_folders`; None: beside each source, and here for what is no file.

    >>> [s.as_posix() for s in name_results(["a/match.mp4", "a/match.mov", "0", "rtsp://me:pw@door/1"], Path("out"))]
    ['out/match', 'out/match-2', 'out/camera-0', 'out/door-1']
    >>> [s.as_posix() for s in name_results(["a/match.mp4", "b/match.mp4"], Path("out"))]
    ['out/a/match', 'out/b/match']
    """
    named = [_name_video(source) for source in sources]
    folders = [folder for folder, _ in named]
    if out is not None:
        files = {i: named[i] for i, source in enumerate(sources) if is_recorded(source)}
        below = dict(zip(files, mirror_folders(list(files.values())), strict=True))
        folders = [out / below.get(i, Path()) for i in range(len(named))]
    taken: set[str] = set()
    latest: Counter[str] = Counter()  # the number that a name had last: those before it are taken
    found = []
    for folder, (_, name) in zip(folders, named, strict=True):
        wanted = str((folder / name).absolute()).casefold()
        while True:
            latest[wanted] += 1
            stem = folder / (f"{name}-{latest[wanted]}" if latest[wanted] > 1 else name)
            key = str(stem.absolute()).casefold()
            if key not in taken:
                break
        taken.add(key)
        found.append(stem)
    return found


def mirror_folders(places: Sequence[tuple[Path, str]]) -> list[Path]:
    """Where below one folder of results those of each file go: nowhere deeper, while their names tell them apart.

    If files of different folders share a name, whatever lies below the folder that these have in common lies below the
    results in the same way.

    Args:
        places: Folder and name of each file; case does not tell names apart.

    >>> [p.as_posix() for p in mirror_folders([(Path("day/cam1"), "frame"), (Path("day/cam2"), "frame")])]
    ['cam1', 'cam2']
    >>> [p.as_posix() for p in mirror_folders([(Path("day/cam1"), "frame"), (Path("day/cam2"), "other")])]
    ['.', '.']
    """
    folders = [os.path.abspath(folder) for folder, _ in places]  # noqa: PTH100 - without `..`, links as they are
    sharing: dict[str, set[str]] = defaultdict(set)
    for (_, name), folder in zip(places, folders, strict=True):
        sharing[name.casefold()].add(folder)
    equal = [folder for those in sharing.values() if len(those) > 1 for folder in those]
    try:
        common = Path(os.path.commonpath(equal))
    except ValueError:  # none, or on several drives
        return [Path()] * len(places)
    paths = map(Path, folders)
    return [path.relative_to(common) if path.is_relative_to(common) else Path() for path in paths]


def shorten(stem: str) -> str:
    """The beginning of a name that leaves room for all endings: a file system takes 255 bytes.

    What is cut off is told apart by a piece of its hash.

    >>> shorten("match"), len(shorten("x" * 250))
    ('match', 220)
    """
    encoded = os.fsencode(stem)
    if len(encoded) <= _MOST_BYTES:
        return stem
    mark = f"~{hashlib.sha256(encoded).hexdigest()[:8]}"
    while len(os.fsencode(stem)) > _MOST_BYTES - len(mark):
        stem = stem[:-1]
    return stem + mark


def _name_video(source: str) -> tuple[Path, str]:
    folder, name = _split(source)
    return folder, shorten(name)


def _split(source: str) -> tuple[Path, str]:
    if is_recorded(source):
        path = Path(source).expanduser()
        if is_folder(path):
            return path.parent, path.resolve().name  # `.` has a name, too
        if is_pattern(source):
            return path.parent, clean_name(path.stem, "video")
        return path.parent, path.stem if path.stem.strip(".") else "video"
    label = "stdin" if source == "-" else name_source(source).rpartition("://")[2].strip("/")
    name = clean_name(label.rpartition("/")[2] if is_camera(source) else label, "video")
    return Path(), f"camera-{name}" if name.isdecimal() else name
