"""`nimblepose val`: figures as a table and as a file that can be repeated; wrong calls end in a sentence."""

import json

import numpy as np
import pytest

from nimblepose.media.files import write_atomically
from nimblepose.media.writers import encode_picture

pytest.importorskip("faster_coco_eval")
onnx = pytest.importorskip("onnx")

from nimblepose.core.metadata import ModelMetadata  # noqa: E402
from nimblepose.core.skeleton import Skeleton  # noqa: E402

DOT = Skeleton(
    "dots", ("low", "high", "far"), (("low", "high"), ("high", "far")), (0.1, 0.1, 0.1), mirror_pairs=(("low", "far"),)
)
PEAKS = ((4, 3), (4, 8), (4, 13))  # cells (row, column) of the three keypoints in every picture


def fields_of_one_body(height, width):
    """Heatmaps (4, h, w) and PAFs (4, h, w) of one body on a row."""
    heatmaps = np.zeros((4, height, width), np.float32)
    rows, columns = np.mgrid[:height, :width]
    for k, (row, column) in enumerate(PEAKS):
        heatmaps[k] = np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 2)
    heatmaps[3] = 1 - heatmaps[:3].max(axis=0)
    pafs = np.zeros((4, height, width), np.float32)
    pafs[[0, 2], 3:6] = 1  # both limbs point to the right
    return heatmaps, pafs


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """An ONNX file that finds the same body in every picture of 64 x 128."""
    from onnx import TensorProto, helper, numpy_helper

    heatmaps, pafs = fields_of_one_body(8, 16)
    constants = {"zero": np.zeros(1, np.float32), "h": heatmaps[None], "p": pafs[None], "axes": np.array([1, 2, 3])}
    nodes = [
        helper.make_node("ReduceSum", ["image", "axes"], ["sum"], keepdims=1),
        helper.make_node("Mul", ["sum", "zero"], ["nothing"]),
        helper.make_node("Add", ["h", "nothing"], ["heatmaps"]),
        helper.make_node("Add", ["p", "nothing"], ["pafs"]),
    ]
    graph = helper.make_graph(
        nodes,
        "dots",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["b", 3, "h", "w"])],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["b", 4, 8, 16]) for n in ("heatmaps", "pafs")],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(made, ModelMetadata(skeleton=DOT, licence="MIT", origin="a test").to_strings())
    path = tmp_path_factory.mktemp("model") / "dots.onnx"
    onnx.save(made, path)
    return path


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
    category = {"id": 7, "name": "dots", "keypoints": list(DOT.keypoints), "skeleton": [[1, 2], [2, 3]]}
    coco = {"images": images, "annotations": annotations, "categories": [category]}
    (folder / "dots.json").write_text(json.dumps(coco))
    return folder


def test_the_table_says_how_good_and_over_what(cli, model, data):
    ran = cli("val", "--data", data, "--model", model, "--input-height", 64)
    assert ran.code == 0, ran.err
    for text in ("AP50", "AP medium", "AR", "nobody to measure by", "4 pictures, 4 annotated people, 4 detections"):
        assert text in ran.out


def test_the_report_repeats(cli, model, data, tmp_path):
    def run(name):
        arguments = ["--data", data, "--model", model, "--input-height", 64, "--threads", 1, "--quiet"]
        ran = cli("val", *arguments, "--report", tmp_path / name, "--detections", tmp_path / "found.json")
        assert (ran.code, ran.out) == (0, "")
        return json.loads((tmp_path / name).read_text())

    first, second = run("1.json"), run("2.json")
    assert first["metrics"] == second["metrics"]
    assert first["metrics"]["ar"] == pytest.approx(0.5)
    assert first["metrics"]["ap_large"] is None
    assert first["options"]["backend"] == "onnxruntime"
    assert first["data"]["category"] == 7
    assert len(first["model"]["sha256"]["dots.onnx"]) == 64
    found = json.loads((tmp_path / "found.json").read_text())
    assert [(d["image_id"], d["category_id"]) for d in found] == [(i, 7) for i in range(1, 5)]


def test_images_and_annotations_may_lie_apart_and_be_limited(cli, model, data):
    ran = cli(
        "val", "--images", data / "images", "--annotations", data / "dots.json", "--model", model,
        "--input-height", 64, "--limit", 2,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert "2 pictures, 2 annotated people" in ran.out
    assert "1.0000" in ran.out


def test_flip_and_scales_reach_the_estimator(cli, model, data, tmp_path):
    options = ["--flip", "--scales", "0.5,1", "--report", tmp_path / "r.json", "--input-height", 64]
    ran = cli("val", "--data", data, "--model", model, *options)
    assert ran.code == 0, ran.err
    written = json.loads((tmp_path / "r.json").read_text())["options"]
    assert (written["flip"], written["scales"]) == (True, [0.5, 1.0])


def test_the_worst_are_drawn(cli, model, data, tmp_path):
    ran = cli("val", "--data", data, "--model", model, "--input-height", 64, "--worst", tmp_path / "worst")
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
def test_wrong_calls_end_in_2_and_a_sentence(cli, model, arguments, message):
    ran = cli("val", "--model", model, *arguments)
    assert ran.code == 2
    assert message in ran.err
    assert "Traceback" not in ran.err


def test_scales_must_be_numbers(cli, model, data):
    ran = cli("val", "--data", data, "--model", model, "--scales", "1,large")
    assert ran.code == 2
    assert "0.5,1,1.5,2" in ran.err


def test_a_model_of_another_skeleton_is_refused_before_the_first_picture(cli, model, data):
    coco = json.loads((data / "dots.json").read_text())
    coco["categories"][0]["keypoints"] = ["a", "b", "c"]
    (data / "dots.json").write_text(json.dumps(coco))
    ran = cli("val", "--data", data, "--model", model)
    assert ran.code == 2
    assert "'dots'" in ran.err
    assert "['a', 'b', 'c']" in ran.err
