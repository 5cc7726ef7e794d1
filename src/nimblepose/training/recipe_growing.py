"""Another set for a recipe that is there: its lists get an entry more, and all else stays as it is written."""

import re
from pathlib import Path
from typing import Any

import yaml

from nimblepose.core.errors import TrainingError
from nimblepose.core.files import write_atomically
from nimblepose.training.recipe import load_recipe
from nimblepose.training.recipe_design import write_value
from nimblepose.training.recipe_writing import relate

_LINE_END = re.compile(r"\r?\n|\Z")


def add_set(recipe: Path, annotations: Path, images: Path) -> int:
    """Name a set in a recipe, beside those that it learns from already; comments and all other lines stay.

    A set that it names already is not named twice.

    Args:
        recipe: A file with lists `data.annotations` and `data.images`.
        annotations: Of the set; as the recipe names it, the path starts at the recipe's folder.
        images: Its pictures.

    Returns:
        How many sets it learns from now.

    Raises:
        TrainingError: no recipe, or one that has no such lists; it stays as it is.
        MediaError: it cannot be written.
    """
    data = load_recipe(recipe).data
    known = {tuple(Path(path).resolve() for path in one) for one in zip(data.annotations, data.images, strict=False)}
    if (annotations.resolve(), images.resolve()) in known:
        return len(data.annotations)
    text = recipe.read_bytes().decode()  # lines may end as Windows ends them
    for key, path in (("annotations", annotations), ("images", images)):
        text = _append(text, key, relate(path, recipe), recipe)
    write_atomically(recipe, text.encode())
    return len(load_recipe(recipe).data.annotations)


def _append(text: str, key: str, value: str, recipe: Path) -> str:
    """The text with one entry more in the list `data.KEY`, written as the one before it."""
    found = _find(_find(yaml.compose(text, yaml.SafeLoader), "data"), key)
    if not isinstance(found, yaml.SequenceNode) or not found.value:
        raise TrainingError(f"{recipe}: data.{key} is no list; write it as [{value}], beside what is there")
    entry = write_value([value])[1:-1]
    place = found.value[-1].end_mark.index
    if found.flow_style:
        entry = f", {entry}"
    else:
        end = _LINE_END.search(text, place)
        place = end.start() if end else len(text)
        newline = end[0] if end and end[0] else "\n"
        entry = f"{newline}{' ' * found.start_mark.column}- {entry}"
    grown = f"{text[:place]}{entry}{text[place:]}"
    wanted = yaml.safe_load(text)
    wanted["data"][key].append(value)
    if _load(grown) != wanted:  # as where an alias stands for the entry before
        raise TrainingError(f"{recipe}: data.{key} is written in a way that nothing can be added to; add {value} to it")
    return grown


def _load(text: str) -> Any:
    """What the text says; None: it is no YAML."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return None


def _find(node: Any, key: str) -> Any:
    """The value of a key of a mapping; None: there is none."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value for name, value in pairs if name.value == key), None)
