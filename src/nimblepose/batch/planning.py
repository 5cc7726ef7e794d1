"""From sources to a plan: how long is each video, can it be read from the middle, which pictures go together."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from nimblepose.batch.listing import Listed
from nimblepose.batch.manifest import Manifest, Settings, Video, cut_video, gather_pictures
from nimblepose.batch.sources import describe, is_remote, open_video
from nimblepose.batch.units import Source
from nimblepose.core.errors import PoseError
from nimblepose.core.progress import StageProgress
from nimblepose.core.web import without_secrets
from nimblepose.media.pieces import VideoPiece

_AT_A_TIME = 8  # files that are looked at
_PICTURES = 1000  # between two words of how far it is


def plan(listed: Listed, settings: Settings, *, tell: StageProgress) -> Manifest:
    """Units of all sources.

    Args:
        listed: What is to be done.
        settings: How.
        tell: Called with what is being looked at, how many are, and of how many.
    """
    pictures: list[Source] = []
    with ThreadPoolExecutor(_AT_A_TIME, thread_name_prefix="nimblepose") as pool:
        named = list(listed.pictures.items())
        for first in range(0, len(named), _PICTURES):
            here = named[first : first + _PICTURES]
            look = (
                pool.map if is_remote(here[0][0]) else map
            )  # files of this machine are looked at sooner than handed on
            pictures += look(lambda item: item[1] or _describe_if_there(item[0]), here)
            tell("pictures", len(pictures), len(listed.pictures))
        looked_at = pool.map(lambda item: _plan_video(item[0], item[1], settings), listed.videos.items())
        videos = list(_follow(looked_at, listed, tell))
    return Manifest(settings, tuple(videos), tuple(gather_pictures(pictures, settings)), listed.failures)


def _follow(videos: Iterable[Video], listed: Listed, tell: Callable[[str, int, int], None]) -> Iterable[Video]:
    for number, video in enumerate(videos, 1):
        tell("videos", number, len(listed.videos))
        yield video


def is_there(source: Source) -> bool:
    """Was this picture of a plan found? Of addresses it is not known: some servers do not say how long a file is."""
    return source.size is not None or is_remote(source.path)


def _describe_if_there(path: str) -> Source:
    """Of what is not there its name: it has its place and number among the pictures, and is told of with them."""
    try:
        return _describe(path)
    except PoseError:
        return Source(without_secrets(path), path) if is_remote(path) else Source(path, _locate(path))


def _locate(path: str) -> str:
    return str(Path(path).expanduser().absolute())


def _describe(path: str) -> Source:
    if is_remote(path):
        return describe(without_secrets(path), path)
    return describe(path, _locate(path))


def _plan_video(path: str, known: Source | None, settings: Settings) -> Video:
    name = without_secrets(path) if is_remote(path) else path
    try:
        source = known or _describe(path)
        duration = _measure_duration(source)
        long = duration is not None and duration - settings.start > 1.5 * settings.seconds
        divide = long and duration is not None and _can_be_divided(source, duration, settings)
        return cut_video(source, duration, settings, divide=divide)
    except PoseError as error:
        return Video(Source(name, path), failure=str(error))


def _measure_duration(source: Source) -> float | None:
    with closing(VideoPiece(open_video(source), begin=0, end=None, first=True, name=source.name)) as piece:
        return piece.info.duration


def _can_be_divided(source: Source, duration: float, settings: Settings) -> bool:
    """Does reading that begins in the middle decode less than a piece more than it must?"""
    piece = VideoPiece(open_video(source), begin=round(duration / 2, 6), end=None, first=False, name=source.name)
    before = piece.measure_approach()
    return before is not None and before <= settings.seconds
