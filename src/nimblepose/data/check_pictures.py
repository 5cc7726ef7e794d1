"""Pictures of a set: are they there, whole, and as large as their annotations say?"""

import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nimblepose.core.errors import MediaError
from nimblepose.data.coco import Record
from nimblepose.data.entries import is_file, shorten
from nimblepose.data.faults import Fault
from nimblepose.media.pictures import MAX_PIXELS, read_reduced

_DAMAGE = ("corrupt", "premature", "invalid", "bogus", "unsupported")  # words of libjpeg's warnings
_STRAY = "extraneous bytes"  # of those, what leaves most pictures whole


def check_pictures(records: Iterable[Record], images: Path, *, read: bool, max_pixels: int = MAX_PIXELS) -> list[Fault]:
    """What is wrong with the pictures of records.

    Args:
        records: Say where pictures lie and how large they are.
        images: Their folder, for messages.
        read: Decode every picture; else only look whether it is there.
        max_pixels: JPEGs with more are read reduced, other files not at all.
    """
    with listen_to_decoders() as hear:
        return list(_check_pictures(records, images, hear, read=read, max_pixels=max_pixels))


def _check_pictures(
    records: Iterable[Record], images: Path, hear: Callable[[], str], *, read: bool, max_pixels: int
) -> Iterator[Fault]:
    for record in records:
        name = shorten(str(record.path.relative_to(images)))
        if not is_file(record.path):
            yield Fault("missing pictures", "error", f"not in {images}", name)
            continue
        if not read:
            continue
        hear()
        try:
            size = read_reduced(record.path, max_pixels=max_pixels).size
        except MediaError as error:
            yield Fault("unreadable pictures", "error", "cannot be decoded", f"{name}: {error}")
            continue
        said = hear()
        if size != record.size:
            message = "the file says another (height, width) than the picture has, so labels lie elsewhere"
            yield Fault("sizes that disagree", "error", message, f"{name}: says {record.size}, is {size}")
        if _STRAY in said:
            yield Fault("pictures with stray bytes", "warning", "may be damaged; look at them", f"{name}: {said}")
        elif any(word in said.lower() for word in _DAMAGE):
            message = "a part is missing or spoiled; fetch or copy them again"
            yield Fault("damaged pictures", "error", message, f"{name}: {said}")


@contextmanager
def listen_to_decoders() -> Iterator[Callable[[], str]]:
    """Meanwhile, calling what it gives returns what was written to the process's standard error since the last call.

    OpenCV decodes damaged JPEG to whatever it can, and libjpeg complains to standard error alone. The redirection is of
    the whole process, so this is for a command that does nothing else.
    """
    sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:  # there is no standard error
        yield lambda: ""
        return
    with tempfile.TemporaryFile("a+b") as file:  # what is written goes to its end, wherever it is read
        place = 0

        def hear() -> str:
            nonlocal place
            file.seek(place)
            said = file.read()
            place += len(said)
            return said.decode("utf-8", "replace").strip()

        os.dup2(file.fileno(), 2)
        try:
            yield hear
        finally:
            os.dup2(kept, 2)
            os.close(kept)
