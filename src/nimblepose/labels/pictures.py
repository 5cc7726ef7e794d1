"""Pictures of a set, brought to where a tool looks for them."""

import shutil
from collections.abc import Callable
from pathlib import Path

from nimblepose.core.errors import DataError, PoseError
from nimblepose.core.files import make_folder, replacing, write_atomically
from nimblepose.core.geometry import Size
from nimblepose.data.entries import is_file
from nimblepose.labels.label_set import LabelledPicture, LabelSet
from nimblepose.labels.sizes import measure_content, measure_picture


def place_pictures(labels: LabelSet, folder: Path, name: Callable[[LabelledPicture], str]) -> None:
    """Copy those that are there, under the folder; frames of videos stay in them.

    Raises:
        MediaError: one cannot be written.
    """
    for picture in labels.pictures:
        target = folder / name(picture)
        if picture.file is not None and is_file(picture.file):
            copy_picture(picture.file, target)
        elif picture.content is not None:
            make_folder(target.parent)
            write_atomically(target, picture.content(), durable=False)


def copy_picture(source: Path, target: Path) -> None:
    """A file as it is, into a folder that is made.

    Raises:
        MediaError: it cannot be written.
    """
    make_folder(target.parent)
    with replacing(target, durable=False) as temporary:
        shutil.copyfile(source, temporary)


def find_size(picture: LabelledPicture) -> Size | None:
    """(height, width) as the tool says, or as the picture has it; None where neither is there."""
    if picture.size is not None:
        return picture.size
    try:
        if picture.file is not None and is_file(picture.file):
            return measure_picture(picture.file)
        return None if picture.content is None else measure_content(picture.content(), picture.name)
    except PoseError:
        return None


def require_size(picture: LabelledPicture, whose: str) -> Size:
    """(height, width) for a form that cannot be without, named by `whose`.

    Raises:
        DataError: it is not known.
    """
    size = find_size(picture)
    if size is None:
        raise DataError(
            f"{whose} needs the size of each picture; {picture.name} is not there: put it where it belongs, or "
            "`nimblepose data import` takes frames out of their videos"
        )
    return size
