"""Which pictures does a person mean: files, folders and patterns become a list of files."""

import glob
from pathlib import Path

from nimblepose.core.errors import MediaError

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".jp2", ".avif")
ANNOTATED = ".poses"  # stands before the suffix of every picture that we draw


def find_pictures(source: str) -> list[Path]:
    """The files that `source` means, sorted: itself, the pictures of a folder, or what a pattern (`*`, `?`, `**`) fits.

    Folders are not descended into (write `folder/**/*.jpg`), and pictures that were annotated by us are left out.

    Raises:
        MediaError: nothing is there.
    """
    path = Path(source).expanduser()
    if path.is_dir():
        found = sorted(p for p in path.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES and p.is_file())
        found = [p for p in found if not p.stem.endswith(ANNOTATED)]
        if not found:
            raise MediaError(f"{source}: no pictures in this folder; for its sub-folders write {source}/**/*.jpg")
        return found
    if path.exists() or not glob.has_magic(source):
        return [path]  # a missing file gets its error where it is read
    matches = sorted(Path(name) for name in glob.iglob(str(path), recursive=True))  # noqa: PTH207 - absolute patterns
    found = [p for p in matches if p.is_file() and not p.stem.endswith(ANNOTATED)]
    if not found:
        raise MediaError(f"{source}: no file fits this pattern")
    return found
