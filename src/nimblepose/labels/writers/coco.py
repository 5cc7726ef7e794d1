"""COCO: a folder with the pictures, as `data import` writes it, or the file alone."""

import json
from pathlib import Path
from typing import get_args

from nimblepose.core.files import write_atomically
from nimblepose.labels.encoding import encode_set
from nimblepose.labels.label_set import LabelSet
from nimblepose.labels.pictures import require_size
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
    pictures = [(picture, picture.name, require_size(picture, "COCO")) for picture in labels.pictures]
    coco = encode_set(labels.categories, pictures, tool=labels.tool)
    write_atomically(out, json.dumps(coco, ensure_ascii=False, allow_nan=False).encode() + b"\n")
    return [out]


WRITER = Writer("coco", "COCO keypoints", _EVERYTHING, write)
