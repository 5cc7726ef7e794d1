import json

import cv2
import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from nimblepose.cli.app import app

BIRD = {"name": "bird", "keypoints": ["beak", "tail"], "limbs": [["beak", "tail"]]}


@pytest.fixture
def birds(tmp_path):
    """One bird in one picture, and its skeleton."""
    (tmp_path / "images").mkdir()
    cv2.imwrite(str(tmp_path / "images" / "a.png"), np.full((64, 96, 3), 90, np.uint8))
    (tmp_path / "bird.yaml").write_text(yaml.safe_dump(BIRD))
    coco = {
        "images": [{"id": 1, "file_name": "a.png", "height": 64, "width": 96}],
        "categories": [{"id": 1, "name": "bird", "keypoints": BIRD["keypoints"]}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 30, 30], "keypoints": [12, 12, 2, 38, 38, 2]}
        ],
    }
    (tmp_path / "birds.json").write_text(json.dumps(coco))
    return tmp_path


def run(folder, *arguments):
    return CliRunner().invoke(
        app, ["data", "check", str(folder), "--skeleton", str(folder / "bird.yaml"), *map(str, arguments)]
    )


def test_a_sound_set_and_its_sheet(birds):
    pytest.importorskip("torch")  # samples are tensors
    result = run(birds, "--sheet", birds / "sheet.png", "--samples", 1)
    assert result.exit_code == 0, result.output
    assert "no faults" in result.output
    assert cv2.imread(str(birds / "sheet.png")).shape[0] == 368


def test_a_fault_is_named_with_an_example_and_the_exit_code_is_1(birds):
    (birds / "images" / "a.png").unlink()
    result = run(birds)
    assert result.exit_code == 1
    assert "error: missing pictures: 1:" in result.output
    assert "a.png" in result.output


@pytest.mark.parametrize("limbs", [[[1, 2]], None, [], [[5, 6]]], ids=["whole", "none", "empty", "broken"])
def test_without_a_skeleton_that_of_the_file_is_taken(birds, limbs):
    coco = json.loads((birds / "birds.json").read_text())
    if limbs is not None:
        coco["categories"][0]["skeleton"] = limbs
    (birds / "birds.json").write_text(json.dumps(coco))
    result = CliRunner().invoke(app, ["data", "check", str(birds)])
    assert result.exit_code == 0, result.output
    assert "skeleton 'bird' of the file, no faults" in result.output


@pytest.mark.parametrize("keypoints", [5, "beak", {"beak": 1}, ["beak"], [None, 1], [[]]])
def test_keypoints_that_are_none_are_a_finding(birds, keypoints):
    coco = json.loads((birds / "birds.json").read_text())
    coco["categories"][0]["keypoints"] = keypoints
    (birds / "birds.json").write_text(json.dumps(coco))
    result = CliRunner().invoke(app, ["data", "check", str(birds)])
    assert result.exit_code == 1
    assert "error: wrong skeleton" in result.output


def test_a_file_that_speaks_of_no_skeleton_is_a_finding(birds):
    (birds / "birds.json").write_text("{")
    result = CliRunner().invoke(app, ["data", "check", str(birds)])
    assert result.exit_code == 1
    assert "error: unreadable annotations" in result.output


def test_the_samples_of_a_recipe_are_drawn_and_what_it_makes_of_them_is_said(birds):
    pytest.importorskip("torch")
    recipe = {
        "data": {"annotations": ["birds.json"], "images": ["images"], "skeleton": "bird.yaml", "size": [96, 128]},
        "augment": {"centre": "picture", "fill": 4.0}, "centres": {"min_keypoints": 1, "min_area": 0}, "batch_size": 1,
    }  # fmt: skip
    (birds / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    arguments = ["data", "check", "--recipe", birds / "recipe.yaml", "--sheet", birds / "sheet.png", "--samples", 1]
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    assert cv2.imread(str(birds / "sheet.png")).shape[0] == 96, "the recipe's own samples"
    assert "larger than samples of 96 x 128" in result.output
    nothing = CliRunner().invoke(app, ["data", "check"])
    assert "--recipe" in str(nothing.exception)


def test_a_recipe_is_written_with_what_to_do_next(birds):
    pytest.importorskip("torch")
    out = birds / "fit.yaml"
    result = CliRunner().invoke(app, ["data", "recipe", str(birds), "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert f"nimblepose train {out}" in result.output.replace("\n", "")
    assert "no pictures to validate with" in result.output
    assert yaml.safe_load(out.read_text())["data"]["skeleton"] == "fit.skeleton.yaml"
