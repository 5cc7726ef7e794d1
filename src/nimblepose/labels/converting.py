"""From any form to any other; results to results frame by frame."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from nimblepose.core.errors import MediaError
from nimblepose.core.files import make_folder
from nimblepose.core.poses import Poses
from nimblepose.core.progress import Progress, say_nothing
from nimblepose.labels.label_set import LabelSet
from nimblepose.labels.readers.own import open_own
from nimblepose.media.frames import Stamp
from nimblepose.results.output_format import OutputFormat
from nimblepose.results.reading import ResultsFile
from nimblepose.results.reading_tables import TableFile


def stream_results(source: Path, out: Path, chosen: OutputFormat, *, progress: Progress = say_nothing) -> Path:
    """Results of a video of our own in another form, in memory of some frames whatever their number.

    Args:
        source: JSON Lines, CSV or Parquet about a video.
        out: Folder.
        chosen: A format that has a form for videos.
        progress: Hears how many frames are done.

    Raises:
        MediaError: it cannot be read, is about pictures, or something cannot be written.
        MissingPackageError: the format needs a package that is not installed.
    """
    results = open_own(source)
    if chosen.video is None or not results.is_video:
        raise MediaError(f"{source}: no results of a video, or {chosen.name} has no form for one")
    make_folder(out)
    stem = source.name.partition(".poses")[0] or source.stem
    file = chosen.video.begin(out / f"{stem}{chosen.video.ending}", results.header)
    try:
        for count, (stamp, poses) in enumerate(_iterate(results), 1):
            file.add(stamp, poses)
            if count % 100 == 0:
                progress(count)
    except BaseException:
        file.close()
        raise
    return file.finish()


def _iterate(results: ResultsFile | TableFile) -> Iterator[tuple[Stamp, Poses]]:
    for result in results:
        yield Stamp(result.frame, result.time, result.size), result.poses


def add_times(labels: LabelSet, rate: float) -> LabelSet:
    """Labels with a time for every frame that has none, at `rate` frames per second."""
    pictures = tuple(
        dataclasses.replace(picture, time=picture.frame / rate)
        if picture.time is None and picture.frame is not None
        else picture
        for picture in labels.pictures
    )
    return dataclasses.replace(labels, pictures=pictures)
