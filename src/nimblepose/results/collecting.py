"""What is meant by the sources of a run: which pictures, which videos, and what is left out."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from nimblepose.core.errors import PoseError
from nimblepose.core.web import is_url
from nimblepose.media.finding import find_media, is_folder
from nimblepose.media.sources import is_pattern, is_recorded, is_video


@dataclass
class Collected:
    """Each once, in order."""

    pictures: dict[str, None] = field(default_factory=dict)
    videos: dict[str, None] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)  # sources that mean nothing -> why
    notes: list[str] = field(default_factory=list)  # what was left out, in sentences


def collect_all(sources: Iterable[str]) -> Collected:
    """Pictures and videos alike: of folders and patterns whatever they hold.

    Args:
        sources: Files, folders, patterns, addresses, cameras, "-".
    """
    collected = Collected()
    for source in sources:
        if not is_recorded(source):
            other = "://" in source and not is_url(source)
            kind = (
                collected.videos if is_video(source) or other else collected.pictures
            )  # a pipe is taken for a picture
            kind[source] = None
        else:
            _add(collected, source, frames=False)
    return collected


def collect_streams(sources: Iterable[str]) -> Collected:
    """One stream of frames after the other, in `videos`: of a folder or pattern its pictures, else each of its videos.

    Args:
        sources: Files, folders, patterns, addresses, cameras, "-".
    """
    collected = Collected()
    for source in sources:
        if is_recorded(source) and (is_folder(Path(source).expanduser()) or is_pattern(source)):
            _add(collected, source, frames=True)
        else:
            collected.videos[source] = None
    return collected


def _add(collected: Collected, source: str, *, frames: bool) -> None:
    """What a source on this machine means; `frames`: its pictures are one stream, beside which videos have no place."""
    try:
        pictures, videos, others = find_media(source)
    except PoseError as error:
        collected.failures[source] = str(error)
        return
    except (OSError, RuntimeError) as error:  # no permission, a name that is too long, an unknown ~user
        collected.failures[source] = f"cannot look for {source}: {getattr(error, 'strerror', None) or error}"
        return
    if others:
        collected.notes.append(
            f"{source}: {_count(others, 'file is', 'files are')} neither picture nor video and left out, such as "
            f"{others[0]}"
        )
    if frames and pictures:
        collected.videos[source] = None
        if videos:
            collected.notes.append(
                f"{source}: taken for {_count(pictures, 'frame', 'frames')}; {_count(videos, 'video', 'videos')} "
                f"beside them left out, such as {videos[0]}; name them to take them"
            )
        return
    collected.pictures |= dict.fromkeys(map(str, pictures))
    collected.videos |= dict.fromkeys(map(str, videos))


def _count(files: list[Path], one: str, many: str) -> str:
    return f"{len(files)} {one if len(files) == 1 else many}"
