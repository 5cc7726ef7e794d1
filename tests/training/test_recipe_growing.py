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


def test_whatever_stands_between_the_lines_of_a_list_stays(tmp_path):
    """Comments and empty lines of somebody, line ends of another system."""
    before = (
        "data:\n  annotations:  # sets: one\n    - a.json  # the first: mine\n    # more to come\n\n"
        "  images:  # theirs: too\n  - 'a'\n  # sizes\n  size: [64, 64]\n\n# the network\nstart: ''\n"
    )
    now = before.replace("mine\n", "mine\n    - b.json\n").replace("- 'a'\n", "- 'a'\n  - b, c\n")
    now = now.replace("- b, c", "- 'b, c'")
    recipe = tmp_path / "recipe.yaml"
    for newline in ("\n", "\r\n"):
        recipe.write_bytes(before.replace("\n", newline).encode())
        assert add_set(recipe, tmp_path / "b.json", tmp_path / "b, c") == 2
        assert recipe.read_bytes().decode() == now.replace("\n", newline)
        assert load_recipe(recipe).data.images[1] == str(tmp_path / "b, c")


def test_a_set_is_not_named_twice(tmp_path):
    """As when it is imported once more, where it was before."""
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(RECIPE)
    for _ in range(2):
        assert add_set(recipe, tmp_path / "mice" / ".." / "b.json", tmp_path / "b") == 2
    assert recipe.read_text().count("b.json") == 1


def test_what_cannot_be_added_to_is_left_alone(tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(aliased := "data: {annotations: [&a first], images: [*a]}\n")
    with pytest.raises(TrainingError, match=r"data\.images is written in a way that nothing can be added to; add b"):
        add_set(recipe, tmp_path / "b.json", tmp_path / "b")
    assert recipe.read_text() == aliased
