"""`nimblepose val`: figures as a table and as a file that can be repeated; wrong calls end in a sentence."""

import dataclasses
import json

import numpy as np
import pytest

from nimblepose.codec.options import FOR_RANKING, DecodeOptions
from nimblepose.core.files import write_atomically
from nimblepose.media.encoding import encode_picture
from nimblepose.runtime.quality import QUALITIES

pytest.importorskip("faster_coco_eval")

PEAKS = ((4, 3), (4, 8), (4, 13))  # cells (row, column) where the model finds a body, in every picture


@pytest.fixture
def data(tmp_path):
    """Four pictures of 64 x 128; in two of them the body is where the model finds it."""
    folder = tmp_path / "data"
    (folder / "images").mkdir(parents=True)
    images, annotations = [], []
    xy = [(8 * column + 4.0, 8 * row + 4.0) for row, column in PEAKS]  # COCO counts from the corner
    for i in range(1, 5):
        write_atomically(folder / "images" / f"{i}.png", encode_picture(np.full((64, 128, 3), i, np.uint8), ".png"))
        images.append({"id": i, "file_name": f"{i}.png", "height": 64, "width": 128})
        down = 0 if i < 3 else 25
        keypoints = [v for x, y in xy for v in (x, y + down, 2)]
        annotations.append(
            {"id": i, "image_id": i, "category_id": 7, "keypoints": keypoints, "bbox": [20, 20, 100, 30], "area": 1500}
        )
    category = {"id": 7, "name": "dots", "keypoints": ["low", "high", "far"], "skeleton": [[1, 2], [2, 3]]}
    coco = {"images": images, "annotations": annotations, "categories": [category]}
    (folder / "dots.json").write_text(json.dumps(coco))
    return folder


def test_the_table_says_how_good_and_over_what(cli, dots_model, data):
    ran = cli("val", "--data", data, "--model", dots_model, "--input-height", 64)
    assert ran.code == 0, ran.err
    for text in ("AP50", "AP medium", "AR", "nobody to measure by", "4 pictures, 4 annotated people, 4 detections",
                 "4 labelled, 0 of them missed", "PCK@0.1"):  # fmt: skip
        assert text in ran.out


def test_the_report_repeats(cli, dots_model, data, tmp_path):
    def run(name):
        arguments = ["--data", data, "--model", dots_model, "--input-height", 64, "--threads", 1, "--quiet"]
        ran = cli("val", *arguments, "--report", tmp_path / name, "--detections", tmp_path / "found.json")
        assert (ran.code, ran.out) == (0, "")
        return json.loads((tmp_path / name).read_text())

    first, second = run("1.json"), run("2.json")
    assert first["metrics"] == second["metrics"]
    assert first["pixels"]["overall"]["mean"] == pytest.approx(12.5, abs=0.2), "two right, two 25 pixels down"
    assert first["pixels"]["keypoints"]["far"]["pck"] == 0.5
    assert first["metrics"]["ar"] == pytest.approx(0.5)
    assert first["metrics"]["ap_large"] is None
    assert first["options"]["backend"] == "onnxruntime"
    assert first["data"]["category"] == 7
    assert len(first["model"]["sha256"]["dots.onnx"]) == 64
    found = json.loads((tmp_path / "found.json").read_text())
    assert [(d["image_id"], d["category_id"]) for d in found] == [(i, 7) for i in range(1, 5)]


def test_images_and_annotations_may_lie_apart_and_be_limited(cli, dots_model, data):
    ran = cli(
        "val", "--images", data / "images", "--annotations", data / "dots.json", "--model", dots_model,
        "--input-height", 64, "--limit", 2,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert "2 pictures, 2 annotated people" in ran.out
    assert "1.0000" in ran.out


def test_flip_and_scales_reach_the_estimator(cli, dots_model, data, tmp_path):
    options = ["--flip", "--scales", "0.5,1", "--report", tmp_path / "r.json", "--input-height", 64]
    ran = cli("val", "--data", data, "--model", dots_model, *options)
    assert ran.code == 0, ran.err
    written = json.loads((tmp_path / "r.json").read_text())["options"]
    assert (written["flip"], written["scales"]) == (True, [0.5, 1.0])


AS_USED = DecodeOptions(min_pose_score=QUALITIES["balanced"].min_pose_score)


@pytest.mark.parametrize(
    ("flag", "expected"),
    [([], FOR_RANKING), (["--as-used"], AS_USED)],
    ids=["for AP", "as used"],
)
def test_thresholds_are_those_for_ap_unless_asked_otherwise(cli, dots_model, data, tmp_path, flag, expected):
    ran = cli("val", "--data", data, "--model", dots_model, *flag, "--report", tmp_path / "r.json")
    assert ran.code == 0, ran.err
    assert json.loads((tmp_path / "r.json").read_text())["options"]["decode"] == dataclasses.asdict(expected)


def test_the_worst_are_drawn(cli, dots_model, data, tmp_path):
    ran = cli("val", "--data", data, "--model", dots_model, "--input-height", 64, "--worst", tmp_path / "worst")
    assert ran.code == 0, ran.err
    assert {p.name for p in (tmp_path / "worst").iterdir()} == {
        f"{kind}_{place}.jpg" for kind in ("missed", "false_alarm") for place in ("001_3", "002_4")
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--data"),
        (["--images", "x"], "--annotations"),
        (["--data", "x", "--images", "x", "--annotations", "y"], "either"),
        (["--data", "no-such-folder"], "no annotation file"),
    ],
    ids=["nothing", "only images", "both ways", "no such folder"],
)
def test_wrong_calls_end_in_2_and_a_sentence(cli, dots_model, arguments, message):
    ran = cli("val", "--model", dots_model, *arguments)
    assert ran.code == 2
    assert message in ran.err
    assert "Traceback" not in ran.err


def test_scales_must_be_numbers(cli, dots_model, data):
    ran = cli("val", "--data", data, "--model", dots_model, "--scales", "1,large")
    assert ran.code == 2
    assert "0.5,1,1.5,2" in ran.err


def test_a_model_of_another_skeleton_is_refused_before_the_first_picture(cli, dots_model, data):
    coco = json.loads((data / "dots.json").read_text())
    coco["categories"][0]["keypoints"] = ["a", "b", "c"]
    (data / "dots.json").write_text(json.dumps(coco))
    ran = cli("val", "--data", data, "--model", dots_model)
    assert ran.code == 2
    assert "'dots'" in ran.err
    assert "['a', 'b', 'c']" in ran.err
