"""What the files and folders of a recipe hold, wherever they lie: a run goes on though its data have moved."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from nimblepose.training.recipe import Recipe


def read_contents(recipe: Recipe) -> dict[str, list[str]]:
    """Dotted keys of a recipe that name files or folders -> checksums of what each of them holds.

    Of a file its bytes; of a folder of pictures the names and sizes of all files in it; of what is not there its name.
    """
    data, validation = recipe.data, recipe.validation
    named: dict[str, Iterable[str]] = {
        "data.annotations": data.annotations,
        "data.images": data.images,
        "data.skeleton": [data.skeleton],
        "validation.annotations": [validation.annotations],
        "validation.images": [validation.images],
        "distill.teacher": [recipe.distill.teacher],
        "start": [recipe.start],
    }
    return {key: [_sum_up(text) for text in texts] for key, texts in named.items()}


def _sum_up(text: str) -> str:
    path = Path(text)
    if text and path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    if text and path.is_dir():
        listed = hashlib.sha256()
        for folder, below, names in os.walk(path):
            below.sort()
            for name in sorted(names):
                one = Path(folder) / name
                size = one.stat().st_size if one.is_file() else -1  # a broken link
                listed.update(f"{one.relative_to(path).as_posix()}\0{size}\n".encode("utf-8", "surrogateescape"))
        return listed.hexdigest()
    return text  # a built-in name, nothing, or nothing there
