"""The forms in which we write labels. A new one is a file here, which ends in its `WRITER`, and one line below."""

from nimblepose.core.errors import OptionError
from nimblepose.labels.writer import Writer
from nimblepose.labels.writers import coco, cvat, deeplabcut, label_studio, labelme, results, sleap, yolo
from nimblepose.labels.writers.results import find_format

__all__ = ["WRITERS", "find_format", "find_writer"]

WRITERS: tuple[Writer, ...] = (
    coco.WRITER,
    deeplabcut.WRITER,
    sleap.WRITER,
    cvat.WRITER,
    label_studio.WRITER,
    labelme.WRITER,
    yolo.WRITER,
    *results.WRITERS,
)


def find_writer(name: str) -> Writer:
    """The writer of that name.

    Raises:
        OptionError: there is none.
    """
    known = {writer.name: writer for writer in WRITERS}
    if name not in known:
        raise OptionError(f"unknown form {name!r}; choose from {', '.join(known)}")
    return known[name]
