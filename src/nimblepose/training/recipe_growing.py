"""Another set for a recipe that is there: its lists get an entry more, and all else stays as it is written."""

from pathlib import Path
from typing import Any

import yaml

from nimblepose.core.errors import TrainingError
from nimblepose.core.files import write_atomically
from nimblepose.training.recipe import load_recipe
from nimblepose.training.recipe_design import write_value
from nimblepose.training.recipe_writing import relate


def add_set(recipe: Path, annotations: Path, images: Path) -> int:
    """Name a set in a recipe, beside those that it learns from already; comments and all other lines stay.

    Args:
        recipe: A file with lists `data.annotations` and `data.images`.
        annotations: Of the set; as the recipe names it, the path starts at the recipe's folder.
        images: Its pictures.

    Returns:
        How many sets it learns from now.

    Raises:
        TrainingError: no recipe, or one that has no such lists.
        MediaError: it cannot be written.
    """
    load_recipe(recipe)
    text = recipe.read_text("utf-8")
    for key, path in (("annotations", annotations), ("images", images)):
        text = _append(text, key, relate(path, recipe), recipe)
    write_atomically(recipe, text.encode())
    return len(load_recipe(recipe).data.annotations)


def _append(text: str, key: str, value: str, recipe: Path) -> str:
    """The text with one entry more in the list `data.KEY`, which is written in one line then."""
    found = _find(_find(yaml.compose(text, yaml.SafeLoader), "data"), key)
    if not isinstance(found, yaml.SequenceNode):
        raise TrainingError(f"{recipe}: data.{key} is no list; write it as [{value}], beside what is there")
    entries = [*yaml.safe_load(text)["data"][key], value]
    begin, end = found.start_mark.index, found.end_mark.index
    line = write_value(entries)
    if found.flow_style:
        return text[:begin] + line + text[end:]
    begin = text.rindex(":", 0, begin) + 1  # a block ends where the next key begins
    return f"{text[:begin]} {line}\n{' ' * found.end_mark.column}{text[end:]}"


def _find(node: Any, key: str) -> Any:
    """The value of a key of a mapping; None: there is none."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value for name, value in pairs if name.value == key), None)
