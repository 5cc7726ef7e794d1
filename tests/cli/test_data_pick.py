"""`nimblepose data pick`: frames of a video as a set that the other verbs read."""

import json
from pathlib import Path

import numpy as np
import pytest
from video_files import make_video, number_of, numbered

from nimblepose.core.skeleton import Skeleton
from nimblepose.data.coco import load_records
from nimblepose.media.pictures import read_picture

pytest.importorskip("torch")

from nimblepose.training.recipe import load_recipe

DOTS = Skeleton("dots", ("low", "high", "far"), (("low", "high"), ("high", "far")))  # of `dots_model`


@pytest.fixture
def tracked(cli, dots_model, tmp_path):
    """A video of 20 numbered frames, and what was found in it."""
    clip = make_video(tmp_path / "clip.mp4", [numbered(n, size=(64, 128)) for n in range(20)])
    arguments = ["--model", dots_model, "--input-height", 64, "--format", "json", "--out", tmp_path, "--no-video"]
    ran = cli("track", clip, *arguments)
    assert ran.code == 0, ran.err
    return clip, tmp_path / "clip.poses.jsonl"


def test_frames_and_their_first_labels(cli, tracked, tmp_path):
    clip, results = tracked
    ran = cli("data", "pick", clip, results, "--count", 4, "--out", tmp_path / "next")
    assert ran.code == 0, ran.err
    assert "4 frames with predictions to correct" in ran.out
    coco = json.loads((tmp_path / "next" / "annotations.json").read_text())
    assert len(coco["images"]) == len(coco["annotations"]) == 4
    for image in coco["images"]:
        assert number_of(read_picture(tmp_path / "next" / "images" / image["file_name"])) == image["frame"]
    checked = cli("data", "check", tmp_path / "next")
    assert "no faults" in checked.out, checked.out + checked.err
    again = cli("data", "pick", clip, results, "--out", tmp_path / "next")
    assert again.code == 2
    assert "maybe with corrections" in again.err


def test_another_video_is_refused(cli, tracked, tmp_path):
    other = make_video(tmp_path / "other.mp4", [numbered(n) for n in range(20)])
    ran = cli("data", "pick", other, tracked[1], "--out", tmp_path / "next")
    assert ran.code == 2
    assert "give the video that they are of" in ran.err
    short = make_video(tmp_path / "short.mp4", [numbered(n, size=(64, 128)) for n in range(3)])
    ran = cli("data", "pick", short, tracked[1], "--out", tmp_path / "short")
    assert "the results are of another" in ran.err
    assert not (tmp_path / "short" / "annotations.json").exists()


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_tables_do_as_well_though_they_do_not_say_how_large_frames_are(cli, tracked, tmp_path, form, dots_model):
    if form == "parquet":
        pytest.importorskip("pyarrow")
    clip, _ = tracked
    arguments = ["--model", dots_model, "--input-height", 64, "--format", form, "--out", tmp_path, "--no-video"]
    assert cli("track", clip, *arguments).code == 0
    table = tmp_path / f"clip.poses.{form}"
    if form == "csv":
        ran = cli("data", "pick", clip, table, "--out", tmp_path / "next")
        assert (ran.code, "does not say which skeleton" in ran.err) == (2, True)
    (tmp_path / "dots.json").write_text(json.dumps(DOTS.to_dict()))
    ran = cli(
        "data", "pick", clip, table, "--count", 4, "--out", tmp_path / "next", "--skeleton", tmp_path / "dots.json"
    )
    assert ran.code == 0, ran.err
    coco = json.loads((tmp_path / "next" / "annotations.json").read_text())
    assert [(image["height"], image["width"]) for image in coco["images"]] == [(64, 128)] * 4
    small = make_video(tmp_path / "small.mp4", [numbered(n, size=(16, 16)) for n in range(20)])
    ran = cli("data", "pick", small, table, "--out", tmp_path / "small", "--skeleton", tmp_path / "dots.json")
    assert "give the video that they are of" in ran.err


@pytest.mark.parametrize("form", ["coco", "dlc", "slp", "cvat", "label-studio", "labelme", "yolo"])
def test_corrected_in_any_tool_they_come_back_into_the_recipe(cli, tracked, tmp_path, form):
    """Those that were moved as they were moved to, those that were right as they were: all are labels of people now."""
    if form == "slp":
        pytest.importorskip("h5py")
    clip, results = tracked
    ran = cli("data", "pick", clip, results, "--count", 4, "--out", tmp_path / "next", "--to", form)
    assert ran.code == 0, ran.err
    place = ran.out.splitlines()[-2].removeprefix("-> ").partition(": ")[0]
    picked = read_keypoints(tmp_path / "next" / "annotations.json")
    if form == "label-studio":  # whoever looks at a prediction and submits it makes an annotation of it
        project = tmp_path / "next" / form / "project.json"
        project.write_text(project.read_text().replace('"predictions"', '"annotations"'))
    if form == "labelme":
        path = next((tmp_path / "next" / form).rglob("*.json"))
        shapes = json.loads(path.read_text())
        dot = next(shape for shape in shapes["shapes"] if shape["shape_type"] == "point")
        dot["points"][0][0] += 5
        path.write_text(json.dumps(shapes))
    (tmp_path / "dots.json").write_text(json.dumps(DOTS.to_dict()))
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("data: {annotations: [first.json], images: [first], skeleton: dots.json}  # mine\n")
    ran = cli("data", "import", place, "--out", tmp_path / "corrected", "--into", recipe)
    assert ran.code == 0, ran.err
    assert "recipe.yaml, which learns from 2 sets now" in ran.out
    back = read_keypoints(tmp_path / "corrected" / "annotations.json")
    moved = [abs(a - b).max() for a, b in zip(picked, back, strict=True)]
    assert sorted(moved) == pytest.approx([0, 0, 0, 5 if form == "labelme" else 0], abs=0.02)
    kept = json.loads((tmp_path / "corrected" / "annotations.json").read_text())["annotations"]
    assert all(("score" in one) == (form in ("coco", "slp")) for one in kept), "only what still says so is a prediction"
    loaded = load_recipe(recipe)
    assert recipe.read_text().endswith("# mine\n")
    records = load_records([Path(loaded.data.annotations[1])], [Path(loaded.data.images[1])], DOTS)
    assert [len(record.boxes) for record in records] == [1, 1, 1, 1]


def test_what_is_submitted_as_it_was_found_is_a_label_though_other_frames_are_not_looked_at(cli, tracked, tmp_path):
    """And so it stays one when the set is read again, together with others."""
    ran = cli("data", "pick", *tracked, "--count", 4, "--out", tmp_path / "next", "--to", "label-studio")
    assert ran.code == 0, ran.err
    project = tmp_path / "next" / "label-studio" / "project.json"
    project.write_text(project.read_text().replace('"predictions"', '"annotations"', 3))
    for source, out in ((project.parent, tmp_path / "corrected"), (tmp_path / "corrected", tmp_path / "again")):
        ran = cli("data", "import", source, "--out", out)
        assert ran.code == 0, ran.err
        annotations = json.loads((out / "annotations.json").read_text())["annotations"]
        assert ["score" in one for one in annotations] == [False] * 3


def test_where_nobody_was_found_and_nobody_has_looked_nothing_is_learnt(cli, tracked, tmp_path):
    """What the network misses is picked; that nobody is there somebody has to say."""
    clip, results = tracked
    first, *others = results.read_text().splitlines()
    results.write_text("\n".join([json.dumps(json.loads(first) | {"people": []}), *others, ""]))
    ran = cli("data", "pick", clip, results, "--count", 20, "--out", tmp_path / "next", "--to", "label-studio")
    assert ran.code == 0, ran.err
    project = tmp_path / "next" / "label-studio" / "project.json"
    tasks = json.loads(project.read_text())
    assert [task["predictions"][0]["result"] == [] for task in tasks] == [True] + [False] * 19
    tasks[1]["annotations"] = tasks[1].pop("predictions")
    for submitted, learnt in ((False, 1), (True, 2)):
        if submitted:
            tasks[0]["annotations"] = [{"id": 1, "result": []}]
        project.write_text(json.dumps(tasks))
        out = tmp_path / f"corrected-{submitted}"
        ran = cli("data", "import", project.parent, "--out", out)
        assert ran.code == 0, ran.err
        records = load_records([out / "annotations.json"], [out / "images"], DOTS)
        assert len([record for record in records if len(record.boxes) or not record.partial]) == learnt


def test_forms_of_results_are_none_to_label_in(cli, tracked, tmp_path):
    for form, said in (("csv", "is a form of results"), ("nothing", "unknown form 'nothing'")):
        ran = cli("data", "pick", *tracked, "--out", tmp_path / "next", "--to", form)
        assert (ran.code, said in ran.err) == (2, True)
        assert not (tmp_path / "next").exists()


def read_keypoints(path):
    """(K, 3) of each picture, by the names of the pictures."""
    coco = json.loads(path.read_text())
    by_id = {one["image_id"]: np.array(one["keypoints"], float).reshape(-1, 3) for one in coco["annotations"]}
    return [by_id[image["id"]] for image in sorted(coco["images"], key=lambda image: image["file_name"])]
