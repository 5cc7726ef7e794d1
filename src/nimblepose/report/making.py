"""From files of results to a page."""

from pathlib import Path

from nimblepose.core.skeleton import Skeleton
from nimblepose.report.finding import open_results
from nimblepose.report.gathering import gather
from nimblepose.report.stills import Stills
from nimblepose.report.subject import Subject
from nimblepose.results.reading_tables import TableFile


def read_subject(path: Path, page: Path, *, skeleton: Skeleton | None = None, stills: bool = False) -> Subject:
    """One file of results, gone through once.

    Args:
        path: The file.
        page: Where the page will be: links to videos are relative to it.
        skeleton: Of the people, where the file does not say.
        stills: Take pictures from the sources, where they are at hand.

    Raises:
        PoseError: it cannot be read, is none of ours, or holds people of several skeletons.
    """
    results = open_results(path, skeleton)
    about = results.header
    is_video = results.is_video
    known = about.skeletons[0] if len(about.skeletons) == 1 else None
    gathered = gather(results, is_video=is_video, skeleton=known)
    frames = Stills(about.source or "" if is_video else None, path, rate=about.rate, rotation=about.rotation)
    table = results if isinstance(results, TableFile) else None
    if table and table.frames is not None:
        gathered.frames = table.frames
    return Subject(
        name=(about.source if is_video else None) or _name_pictures(path),
        results=path.name,
        is_video=is_video,
        gathered=gathered,
        model=about.model,
        started=about.started,
        complete=table is None or table.frames is not None or table.sizes_known,
        sizes_known=table is None or table.sizes_known,
        still=frames.read((gathered.start + gathered.end) / 2) if stills else None,
        find_still=frames.find if stills else lambda _: None,
        find_link=lambda sighting: frames.link(sighting, page),
    )


def _name_pictures(path: Path) -> str:
    """Results about a folder are called `poses`: the folder's own name says more."""
    stem = path.name.removesuffix(path.suffix).removesuffix(".partial").removesuffix("poses").rstrip(".")
    return stem or path.resolve().parent.name or path.name
