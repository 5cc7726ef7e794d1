"""What results are called: names that tell their source, of which no two are alike."""

import re
from collections.abc import Sequence
from pathlib import Path

from nimblepose.media.containers import name_source
from nimblepose.media.finding import is_folder
from nimblepose.media.sources import is_camera, is_pattern, is_recorded


def name_results(sources: Sequence[str], out: Path | None) -> list[Path]:
    """Folder and beginning of the names of the results of each video.

    Files keep their names as they are; of cameras and addresses there stays what means nothing to a file system.

    Args:
        sources: Files, folders of frames, cameras, addresses, "-".
        out: Folder for all results; None: beside each source, and here for what is no file.

    >>> [s.as_posix() for s in name_results(["a/match.mp4", "b/match.mov", "0", "rtsp://me:pw@door/1"], Path("out"))]
    ['out/match', 'out/match-2', 'out/camera-0', 'out/door-1']
    """
    taken: set[str] = set()
    found = []
    for source in sources:
        folder, name = _name_video(source)
        for count in range(1, len(sources) + 1):
            stem = (out or folder) / (f"{name}-{count}" if count > 1 else name)
            if str(stem.absolute()).casefold() not in taken:
                break
        taken.add(str(stem.absolute()).casefold())
        found.append(stem)
    return found


def _name_video(source: str) -> tuple[Path, str]:
    if is_recorded(source):
        path = Path(source).expanduser()
        if is_folder(path):
            return path.parent, path.resolve().name  # `.` has a name, too
        if is_pattern(source):
            return path.parent, _clean(path.stem)
        return path.parent, path.stem if path.stem.strip(".") else "video"
    label = "stdin" if source == "-" else name_source(source).rpartition("://")[2].strip("/")
    name = _clean(label.rpartition("/")[2] if is_camera(source) else label)
    return Path(), f"camera-{name}" if name.isdecimal() else name


def _clean(text: str) -> str:
    """With nothing that means something to a file system or a shell."""
    return re.sub(r"[^\w.-]+", "-", text).strip("-.") or "video"
