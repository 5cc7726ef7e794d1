"""A folder with a file for each person, replaced as a whole."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nimblepose.core.errors import MediaError
from nimblepose.core.files import partial, writing

_OURS = re.compile(r"_[\w.-]+\.(c3d|nwb|trc)$|\.partial\.(c3d|nwb|trc)$|^\.[0-9a-f]{16}\.part$")


def clean_name(name: str, otherwise: str = "unnamed") -> str:
    """A name with nothing that means something to a file system or a shell; `otherwise` where nothing is left."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or otherwise


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """A new folder beside `path`, which gets its name when the block ends well. An older one of ours goes then.

    Raises:
        MediaError: there is a folder of that name with other files in it, or it cannot be made.
    """
    temporary = partial(path)
    for folder in (path, temporary):
        foreign = [p.name for p in folder.iterdir() if not _OURS.search(p.name)] if folder.is_dir() else []
        if foreign or (folder.exists() and not folder.is_dir()):
            what = f"holds {foreign[0]}" if foreign else "is no folder"
            raise MediaError(f"{folder} is there already and {what}; move it, or choose another place for the results")
    with writing(path):
        if temporary.exists():
            shutil.rmtree(temporary)
        temporary.mkdir()
        yield temporary
        if path.exists():
            shutil.rmtree(path)
        temporary.replace(path)
