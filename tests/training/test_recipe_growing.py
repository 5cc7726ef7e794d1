"""A recipe learns from one set more, and its other lines stay as somebody wrote them."""

import pytest
import yaml

from nimblepose.core.errors import TrainingError
from nimblepose.training.options import to_plain
from nimblepose.training.recipe import load_recipe
from nimblepose.training.recipe_growing import add_set

RECIPE = """\
name: mice  # of the run
data:
  annotations: [mice/train.json]  # the first ones
  images: [mice/images]
  size: [64, 64]  # small
start: ''  # none
"""


def test_the_lists_have_an_entry_more_and_all_else_stays(tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(RECIPE)
    assert add_set(recipe, tmp_path / "more/annotations.json", tmp_path / "more/images") == 2
    assert add_set(recipe, tmp_path.parent / "b.json", tmp_path.parent) == 3
    now = RECIPE.replace("[mice/train.json]", "[mice/train.json, more/annotations.json, ../b.json]")
    assert recipe.read_text() == now.replace("[mice/images]", "[mice/images, more/images, ..]")


def test_lists_of_several_lines_are_understood_too(tmp_path):
    """As the recipe of a run has them."""
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(RECIPE)
    before = to_plain(load_recipe(recipe))
    for indent in (None, 4):
        recipe.write_text(yaml.safe_dump(before, sort_keys=False, default_flow_style=False, indent=indent))
        assert "- " in recipe.read_text()
        add_set(recipe, tmp_path / "b.json", tmp_path / "b")
        after = to_plain(load_recipe(recipe))
        assert after["data"].pop("annotations")[1:] == [str(tmp_path / "b.json")]
        assert after["data"].pop("images")[1:] == [str(tmp_path / "b")]
        assert {**before, "data": {**before["data"], "annotations": 0, "images": 0}} == {
            **after, "data": {**after["data"], "annotations": 0, "images": 0},
        }  # fmt: skip
    recipe.write_text("data:\n  images:\n  - a\n  annotations:\n  - a.json")  # where the list is the end of the file
    assert add_set(recipe, tmp_path / "b.json", tmp_path / "b") == 2


def test_what_is_no_list_is_left_alone(tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("data: {annotations: a.json, images: a}\n")
    with pytest.raises(TrainingError, match=r"data\.annotations is no list; write it as \[b\.json\]"):
        add_set(recipe, tmp_path / "b.json", tmp_path / "b")
    assert recipe.read_text() == "data: {annotations: a.json, images: a}\n"
