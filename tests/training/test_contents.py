"""What a recipe's files hold, wherever they lie."""

import dataclasses
import shutil

from nimblepose.training.contents import read_contents
from nimblepose.training.recipe import load_recipe


def test_contents_are_those_of_the_files_and_not_of_their_names(tiny, tmp_path):
    shutil.copytree(tiny().parent, tmp_path / "moved")
    contents = read_contents(load_recipe(tmp_path / "moved/recipe.yaml"))
    assert contents == read_contents(load_recipe(tiny()))
    assert contents["start"] == contents["validation.images"] == [""]
    files = {"annotations.json": "data.annotations", "creature.yaml": "data.skeleton", "images/new.png": "data.images"}
    for name, key in files.items():
        with (tmp_path / "moved" / name).open("a") as file:
            file.write(" ")
        changed = read_contents(load_recipe(tmp_path / "moved/recipe.yaml"))
        assert {k for k in contents if changed[k] != contents[k]} == {key}
        contents = changed


def test_names_that_are_no_files_stand_for_themselves(tiny):
    recipe = load_recipe(tiny())
    built_in = dataclasses.replace(recipe, start="missing", data=dataclasses.replace(recipe.data, skeleton="human18"))
    contents = read_contents(built_in)
    assert (contents["start"], contents["data.skeleton"]) == (["missing"], ["human18"])
