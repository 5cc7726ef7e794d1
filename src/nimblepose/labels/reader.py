"""What a reader of labels is."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nimblepose.labels.label_set import LabelSet


@dataclass(frozen=True)
class Reader:
    """Reads the labels of one tool; `nimblepose.labels.readers.READERS` is the table of them."""

    name: str  # as `--from` takes it
    help: str  # whose labels, in a few words
    detect: Callable[[Path], bool]  # is a file or folder one of these? Looks at little of it
    read: Callable[[Path], LabelSet]
