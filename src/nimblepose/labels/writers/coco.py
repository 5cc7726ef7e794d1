"""COCO: a folder with the pictures, as `data import` writes it, or the file alone."""

import json
from pathlib import Path
from typing import get_args

from nimblepose.core.errors import DataError
from nimblepose.core.files import write_atomically
from nimblepose.labels.encoding import encode_set
from nimblepose.labels.label_set import LabelSet
from nimblepose.labels.pictures import find_size
from nimblepose.labels.writer import Fact, Writer
from nimblepose.labels.writing import write_set

_EVERYTHING: frozenset[Fact] = frozenset(get_args(Fact))


def write(labels: LabelSet, out: Path) -> list[Path]:
    """A folder, or a file `*.json` about pictures that stay where they are.

    Raises:
        DataError: the folder holds something, or a picture's size is not known.
        MediaError: it cannot be written.
    """
    if out.suffix != ".json":
        return [write_set(labels, out).annotations]
    sized = [(picture, picture.name, find_size(picture)) for picture in labels.pictures]
    known = [(picture, name, size) for picture, name, size in sized if size is not None]
    if missing := [name for _, name, size in sized if size is None]:
        raise DataError(f"COCO needs the size of each picture; {len(missing)} are not there, such as {missing[0]}")
    coco = encode_set(labels.categories, known, tool=labels.tool)
    write_atomically(out, json.dumps(coco, ensure_ascii=False, allow_nan=False).encode() + b"\n")
    return [out]


WRITER = Writer("coco", "COCO keypoints", _EVERYTHING, write)
