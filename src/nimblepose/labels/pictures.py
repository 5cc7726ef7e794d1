"""Pictures of a set, brought to where a tool looks for them."""

import shutil
from collections.abc import Callable
from pathlib import Path

from nimblepose.core.errors import PoseError
from nimblepose.core.files import make_folder, replacing, write_atomically
from nimblepose.core.geometry import Size
from nimblepose.data.entries import is_file
from nimblepose.labels.label_set import LabelledPicture, LabelSet
from nimblepose.labels.sizes import measure_picture


def place_pictures(labels: LabelSet, folder: Path, name: Callable[[LabelledPicture], str]) -> None:
    """Copy those that are there, under the folder; frames of videos stay in them.

    Raises:
        MediaError: one cannot be written.
    """
    for picture in labels.pictures:
        target = folder / name(picture)
        if picture.file is not None and is_file(picture.file):
            make_folder(target.parent)
            with replacing(target, durable=False) as temporary:
                shutil.copyfile(picture.file, temporary)
        elif picture.content is not None:
            make_folder(target.parent)
            write_atomically(target, picture.content(), durable=False)


def find_size(picture: LabelledPicture) -> Size | None:
    """(height, width) as the tool says, or as the picture has it; None where neither is there."""
    if picture.size is not None:
        return picture.size
    try:
        return measure_picture(picture.file) if picture.file is not None else None
    except PoseError:
        return None
