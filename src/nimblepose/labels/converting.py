"""From any form to any other; results to results frame by frame."""

import dataclasses
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from nimblepose.core.errors import DataError, MediaError
from nimblepose.core.files import make_folder, replacing
from nimblepose.core.poses import Poses
from nimblepose.core.progress import Progress, say_nothing
from nimblepose.labels.label_set import LabelSet
from nimblepose.labels.readers.own import open_own
from nimblepose.labels.writer import Fact, Writer
from nimblepose.labels.writers.results import find_format
from nimblepose.media.frames import Stamp
from nimblepose.results.output_format import OutputFormat
from nimblepose.results.reading import ResultsFile
from nimblepose.results.reading_tables import TableFile
from nimblepose.results.whole_files import write_all_or_nothing


def stream_results(
    source: Path,
    out: Path,
    chosen: OutputFormat,
    *,
    progress: Progress = say_nothing,
    counts: Counter[Fact] | None = None,
) -> Path:
    """Results of a video of our own in another form, in memory of some frames whatever their number.

    Args:
        source: JSON Lines, CSV or Parquet about a video.
        out: Folder.
        chosen: A format that has a form for videos.
        progress: Hears how many frames are done.
        counts: Gets how much there is of what not every form can hold, for `tell_losses`.

    Raises:
        MediaError: it cannot be read, is about pictures, or something cannot be written.
        MissingPackageError: the format needs a package that is not installed.
    """
    results = open_own(source)
    if counts is not None:
        counts["limbs"] += sum(bool(skeleton.limbs) for skeleton in results.header.skeletons)
    if chosen.video is None or not results.is_video:
        raise MediaError(f"{source}: no results of a video, or {chosen.name} has no form for one")
    make_folder(out)
    stem = source.name.partition(".poses")[0] or source.stem
    with write_all_or_nothing(out / f"{stem}{chosen.video.ending}", results.header, chosen.video.begin) as file:
        for count, (stamp, poses) in enumerate(_iterate(results), 1):
            file.add(stamp, poses)
            if counts is not None:
                counts.update(_count_facts(poses))
            if count % 100 == 0:
                progress(count)
        return file.finish()


def _count_facts(poses: Poses) -> dict[Fact, int]:
    """Of a frame; every form of results has numbers or names for identities."""
    errors = poses.keypoint_errors
    return {
        "hidden": int((poses.found & ~(poses.seen & ~poses.interpolation_flags)).sum()),
        "scores": len(poses),
        "errors": 0 if errors is None else int(np.isfinite(errors).any(axis=1).sum()),
        "nobody": int(len(poses) == 0),
    }


def _iterate(results: ResultsFile | TableFile) -> Iterator[tuple[Stamp, Poses]]:
    for result in results:
        yield Stamp(result.frame, result.time, result.size), result.poses


def write_labels(labels: LabelSet, out: Path, writer: Writer) -> list[Path]:
    """Labels or results in a form, whole or not at all; what it wrote.

    Args:
        labels: Of any tool.
        out: A file, or a folder; of labels one that is empty or not there.
        writer: Of the form.

    Raises:
        DataError: the folder holds something, or the form cannot hold these labels.
        MediaError: it cannot be written.
        MissingPackageError: the form needs a package that is not installed.
    """
    if find_format(writer.name) is not None or writer.ending or out.suffix == ".json":
        return writer.write(labels, out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out} is there and not an empty folder; choose another")
    make_folder(out.parent)
    with replacing(out, durable=False) as temporary:
        written = writer.write(labels, temporary)
        if out.exists():
            out.rmdir()
    return [out / path.relative_to(temporary) for path in written]


def add_times(labels: LabelSet, rate: float) -> LabelSet:
    """Labels with a time for every frame that has none, at `rate` frames per second."""
    pictures = tuple(
        dataclasses.replace(picture, time=picture.frame / rate)
        if picture.time is None and picture.frame is not None
        else picture
        for picture in labels.pictures
    )
    return dataclasses.replace(labels, pictures=pictures)
