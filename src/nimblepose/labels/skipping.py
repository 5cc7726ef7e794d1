"""The list of what could not be taken, as a table."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from nimblepose.core.files import write_atomically
from nimblepose.core.text import make_printable
from nimblepose.labels.label_set import Skipped


def write_skipped(skipped: Iterable[Skipped], path: Path) -> None:
    """A CSV with file and reason.

    Raises:
        MediaError: it cannot be written.
    """
    text = io.StringIO(newline="")
    rows = [(make_printable(one.file), make_printable(one.reason)) for one in skipped]
    csv.writer(text, lineterminator="\n").writerows([("file", "reason"), *rows])
    write_atomically(path, text.getvalue().encode("utf-8", "replace"))
