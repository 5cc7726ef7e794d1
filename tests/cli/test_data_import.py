import json

import pytest
from mouse_scene import write_cvat, write_dlc
from typer.testing import CliRunner

from nimblepose.cli.app import app, main


def run(*arguments):
    return CliRunner().invoke(app, ["data", "import", *map(str, arguments)])


def test_it_says_whose_labels_they_are_and_what_became_of_them(tmp_path):
    write_dlc(tmp_path / "p")
    result = run(tmp_path / "p", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "labels of DeepLabCut, lightning-pose (--from says otherwise)" in result.output
    assert "12 pictures, 16 labels of mouse (3 keypoints)" in result.output
    assert not (tmp_path / "out" / "not_taken.csv").exists()
    checked = CliRunner().invoke(app, ["data", "check", str(tmp_path / "out")]).output
    assert "skeleton 'mouse' of the file" in checked
    assert checked.count("error:") == checked.count("nobody to centre samples on") == 1  # the mice are small


def test_what_is_not_taken_is_listed_and_strict_refuses_it(tmp_path, capsys):
    write_cvat(tmp_path / "p")
    path = tmp_path / "p" / "annotations.xml"
    path.write_text(path.read_text().replace("</image>", '<box label="cage"/></image>', 1))
    (tmp_path / "p" / "images" / "left" / "img003.png").unlink()
    result = run(tmp_path / "p", "--out", tmp_path / "out")
    assert "11 pictures" in result.output
    listed = (tmp_path / "out" / "not_taken.csv").read_text()
    assert "a box 'cage' is no skeleton" in listed
    assert "its picture is missing" in listed
    with pytest.raises(SystemExit) as stopped:
        main(["data", "import", str(tmp_path / "p"), "--out", str(tmp_path / "strict"), "--strict"])
    assert stopped.value.code == 2
    assert "--strict: 1 thing could not be taken" in capsys.readouterr().err
    assert not (tmp_path / "strict").exists()


def test_keypoints_of_coco_in_another_order_become_cocos(tmp_path):
    from nimblepose.core.skeleton import COCO_17

    names = [name.replace("_", " ").title() for name in reversed(COCO_17.keypoints)]
    import cv2
    import numpy as np

    (tmp_path / "p").mkdir()
    cv2.imwrite(str(tmp_path / "p" / "a.png"), np.zeros((20, 20, 3), np.uint8))
    coco = {
        "images": [{"id": 1, "file_name": "a.png", "height": 20, "width": 20}],
        "categories": [{"id": 1, "name": "person", "keypoints": names}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "keypoints": [v for i in range(17) for v in (i + 1, 2, 2)]}
        ],
    }
    (tmp_path / "p" / "a.json").write_text(json.dumps(coco))
    assert run(tmp_path / "p", "--out", tmp_path / "out", "--quiet").output == ""
    written = json.loads((tmp_path / "out" / "annotations.json").read_text())
    assert written["categories"][0]["keypoints"] == list(COCO_17.keypoints)
    assert written["annotations"][0]["keypoints"][:6] == [17, 2, 2, 16, 2, 2]


def test_into_a_recipe_go_keypoints_of_its_skeleton_only(tmp_path, capsys):
    """Others could not be learnt from beside what is there."""
    write_cvat(tmp_path / "p")
    (tmp_path / "recipe.yaml").write_text(recipe := "data: {annotations: [a.json], images: [a]}\n")
    arguments = ["--into", tmp_path / "recipe.yaml", "--skeleton", "coco17", "--out", tmp_path / "out"]
    with pytest.raises(SystemExit) as ended:
        main(["data", "import", *map(str, [tmp_path / "p", *arguments])])
    assert ended.value.code == 2
    assert "leave out --skeleton" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert (tmp_path / "recipe.yaml").read_text() == recipe
