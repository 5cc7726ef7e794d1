"""The tools whose labels we read. A new one is a file here, which ends in its `READER`, and one line in `READERS`."""

from pathlib import Path

from nimblepose.core.errors import DataError, OptionError
from nimblepose.labels.label_set import LabelSet
from nimblepose.labels.reader import Reader
from nimblepose.labels.readers import c3d, coco, cvat, deeplabcut, label_studio, labelme, nwb, own, sleap, trc, yolo
from nimblepose.labels.sidecar import find_sidecar, restore

READERS: tuple[Reader, ...] = (
    deeplabcut.READER,
    sleap.READER,
    cvat.READER,
    yolo.READER,
    label_studio.READER,
    labelme.READER,
    nwb.READER,
    trc.READER,
    c3d.READER,
    own.READER,
    coco.READER,
)


def find_reader(source: Path, name: str | None = None) -> Reader:
    """The reader of a file or folder, by its name or by what lies there.

    Raises:
        OptionError: no tool has that name.
        DataError: nothing is there, or it is of no tool or of several.
    """
    known = {reader.name: reader for reader in READERS}
    if name is not None:
        if name not in known:
            raise OptionError(f"unknown tool {name!r}; choose from {', '.join(known)}")
        return known[name]
    if not source.exists():
        raise DataError(f"{source} is not there")
    found = [reader for reader in READERS if reader.detect(source)]
    if len(found) == 1:
        return found[0]
    whose = f"labels of several tools ({', '.join(r.name for r in found)})" if found else "no labels of a tool we know"
    choices = ", ".join(reader.name for reader in found or READERS)
    raise DataError(f"{source}: {whose}; say whose with --from ({choices})")


def read_labels(source: Path, name: str | None = None) -> LabelSet:
    """The labels that lie there, with what is kept beside them because their form cannot hold it.

    Raises:
        DataError: they cannot be read, or it cannot be told whose they are.
        MissingPackageError: an optional package is missing.
    """
    return restore_kept(find_reader(source, name).read(source), source)


def restore_kept(labels: LabelSet, source: Path) -> LabelSet:
    """The labels with what is kept beside their file or folder, if there is anything."""
    sidecar = find_sidecar(source)
    return labels if sidecar is None else restore(labels, sidecar)
