"""`nimblepose predict`: results where one expects them, nobody's files harmed, one bad file stops nothing."""

import io
import json
import os

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Three good pictures, one broken, one that is not a picture."""
    for name, colour in (("a.jpg", (200, 0, 0)), ("b.png", (0, 200, 0)), ("sub/a.jpg", (0, 0, 200))):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (64, 48), colour).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("not a picture")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def snapshot(folder):
    return {name: (folder / name).read_bytes() for name in names(folder)}


def test_one_picture_gets_a_drawing_and_a_json_beside_it(cli, estimator, folder):
    before = snapshot(folder)
    ran = cli("predict", "a.jpg")
    assert (ran.code, ran.err) == (0, "")
    assert "a.jpg: 1 person -> a.poses.jpg" in ran.out
    assert sorted(set(names(folder)) - set(before)) == ["a.poses.jpg", "a.poses.json"]
    assert {name: (folder / name).read_bytes() for name in before} == before
    assert Image.open(folder / "a.poses.jpg").size == (64, 48)
    document = json.loads((folder / "a.poses.json").read_text())
    assert [p["file"] for p in document["pictures"]] == ["a.jpg"]
    assert document["model"] == "fake-model"
    assert len(document["pictures"][0]["people"][0]["keypoints"]) == 18


def test_into_out_all_formats(cli, estimator, folder):
    ran = cli("predict", "a.jpg", "sub/a.jpg", "b.png", "--out", "new/results", "--format", "json,coco,openpose,csv")
    assert ran.code == 0
    assert "3 pictures, 3 people" in ran.out
    assert names(folder / "new/results") == [
        "a.poses.jpg", "a_keypoints.json", "b.poses.png", "b_keypoints.json", "poses.coco.json", "poses.csv",
        "poses.json", "sub/a.poses.jpg", "sub/a_keypoints.json",
    ]  # fmt: skip
    document = json.loads((folder / "new/results/poses.json").read_text())
    assert [p["file"] for p in document["pictures"]] == ["a.jpg", "sub/a.jpg", "b.png"]


def test_without_out_every_folder_gets_one_json(cli, estimator, folder):
    assert cli("predict", ".", "sub").code == 0
    assert {"a.poses.jpg", "b.poses.png", "poses.json", "sub/a.poses.jpg", "sub/poses.json"} <= set(names(folder))
    assert [p["file"] for p in json.loads((folder / "sub/poses.json").read_text())["pictures"]] == ["sub/a.jpg"]


def test_a_second_run_replaces_results_and_does_not_draw_on_drawings(cli, estimator, folder):
    cli("predict", ".")
    first = snapshot(folder)
    cli("predict", ".")
    assert snapshot(folder) == first


def test_a_source_is_never_overwritten(cli, estimator, folder):
    Image.new("RGB", (8, 8)).save(folder / "a.poses.jpg")
    drawn_before = (folder / "a.poses.jpg").read_bytes()
    assert cli("predict", "a.jpg", "a.poses.jpg").code == 0
    assert (folder / "a.poses.jpg").read_bytes() == drawn_before
    assert {"a-2.poses.jpg", "a.poses.poses.jpg"} <= set(names(folder))


@pytest.mark.parametrize("suffix", [".gif", ".bmp", ".tiff"])
def test_a_format_that_we_do_not_write_becomes_png(cli, estimator, folder, suffix):
    Image.new("RGB", (9, 7)).save(folder / f"odd{suffix}")
    assert cli("predict", f"odd{suffix}").code == 0
    assert Image.open(folder / "odd.poses.png").size == (9, 7)


def test_without_pictures_only_the_numbers_are_written(cli, estimator, folder):
    assert cli("predict", "a.jpg", "b.png", "--no-pictures", "--quiet", "-o", "o", "-f", "csv").out == ""
    assert names(folder / "o") == ["poses.csv"]


def test_bad_files_do_not_stop_the_others_and_are_listed(cli, estimator, folder):
    (folder / "half.jpg").write_bytes((folder / "a.jpg").read_bytes()[:200])
    Image.new("RGB", (8, 8), (13, 13, 13)).save(folder / "thirteen.png")
    bad = ["half.jpg", "missing.jpg", "notes.txt", "nothing/*.jpg", "thirteen.png"]
    ran = cli("predict", *bad[:3], "a.jpg", *bad[3:], "b.png", "--out", "o")
    assert ran.code == 1
    assert names(folder / "o") == ["a.poses.jpg", "b.poses.png", "poses.json"]
    listed = ran.err.splitlines()
    assert len(listed) == len(bad)
    for name in bad:
        assert any(name in line for line in listed)
    assert "Traceback" not in ran.err


def test_a_bug_that_one_picture_brings_out_does_not_cost_the_others(cli, estimator, folder):
    def stumble(number):
        if number == 1:
            raise ZeroDivisionError("by zero")

    estimator.hook = staticmethod(stumble)
    ran = cli("predict", "a.jpg", "b.png", "--out", "o")
    assert ran.code == 1
    assert "a.jpg: unexpected ZeroDivisionError" in ran.err
    assert names(folder / "o") == ["b.poses.png", "poses.json"]


def test_heads_are_looked_for_where_they_are_blurred(cli, estimator, folder):
    for more, looked_for in (([], False), (["--blur-faces", "--min-score", "0.9"], True)):
        assert cli("predict", "a.jpg", *more).code == 0
        assert estimator.options["decode"].find_heads is looked_for


def test_if_nothing_is_there_no_model_is_needed(cli, folder, monkeypatch):
    monkeypatch.setenv("NIMBLEPOSE_MODEL", "no-such-model")
    ran = cli("predict", "nothing/*.jpg")
    assert ran.code == 1
    assert "nothing/*.jpg" in ran.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.jpg", "--format", "xml"], "unknown format xml"),
        (["a.jpg", "--model", "no-such-model"], "no-such-model"),
        (["a.jpg", "--out", "b.png"], "b.png"),
        ([], "Missing argument"),
        (["a.jpg", "--backend", "abacus"], "abacus"),
    ],
    ids=["format", "model", "out_is_a_file", "no_source", "backend"],
)
def test_what_cannot_start_ends_in_2_with_a_message(cli, estimator, folder, arguments, message):
    ran = cli("predict", *arguments)
    assert ran.code == 2
    assert message in ran.err
    assert "Traceback" not in ran.err


def test_ctrl_c_leaves_whole_files_about_what_is_done(cli, estimator, folder):
    def interrupt(number):
        if number == 3:
            raise KeyboardInterrupt

    estimator.hook = staticmethod(interrupt)
    ran = cli("predict", "notes.txt", "a.jpg", "b.png", "sub/a.jpg", "--out", "o")
    assert ran.code == 130
    assert "notes.txt" in ran.err
    assert "interrupted" in ran.err
    assert names(folder / "o") == ["a.poses.jpg", "b.poses.png", "poses.json", "poses.partial.jsonl"]
    assert len(json.loads((folder / "o/poses.json").read_text())["pictures"]) == 2


def test_ctrl_c_in_the_middle_of_writing_leaves_no_half_file(cli, estimator, folder, monkeypatch):
    real, calls = os.fsync, []

    def interrupt(descriptor):
        calls.append(descriptor)
        if len(calls) == 2:
            raise KeyboardInterrupt
        real(descriptor)

    monkeypatch.setattr(os, "fsync", interrupt)
    assert cli("predict", "a.jpg", "b.png", "--out", "o").code == 130
    assert names(folder / "o") == ["a.poses.jpg", "poses.json", "poses.partial.jsonl"]


def test_options_reach_the_estimator(cli, estimator, folder):
    cli(
        "predict",
        "a.jpg",
        "--backend",
        "openvino",
        "--threads",
        2,
        "--input-height",
        368,
        "--flip",
        "--quality",
        "fast",
        "--any-way-up",
        "--min-score",
        0.25,
        "--max-people",
        3,
    )
    decode = estimator.options.pop("decode")
    model = estimator.options.pop("model")
    assert model.name == "fake-model.onnx"
    options = {
        "backend": "openvino", "threads": 2, "input_height": 368, "flip": True, "streaming": False,
        "quality": "fast", "any_way_up": True, "scales": (1.0,),
    }  # fmt: skip
    assert estimator.options == options
    assert decode.min_pose_score == 0.25
    assert decode.max_poses == 3
    assert not decode.complete


def test_a_picture_from_the_web(cli, estimator, folder, web_server):
    buffer = io.BytesIO()
    Image.fromarray(np.full((30, 40, 3), 90, np.uint8)).save(buffer, "PNG")
    web_server.pages["/album/my%20photo.png?key=secret"] = buffer.getvalue()
    ran = cli("predict", f"{web_server.address}/album/my%20photo.png?key=secret")
    assert ran.code == 0
    assert {"my_photo.poses.png", "my_photo.poses.json"} <= set(names(folder))
    text = (folder / "my_photo.poses.json").read_text()
    assert "secret" not in text + ran.out
    assert json.loads(text)["pictures"][0]["file"] == f"{web_server.address}/album/my%20photo.png"
    gone = cli("predict", f"{web_server.address}/gone.png?key=secret")
    assert gone.code == 1
    assert "404" in gone.err
    assert "secret" not in gone.err


def test_addresses_cannot_choose_the_folder(cli, estimator, folder, web_server):
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, "PNG")
    web_server.pages |= {"/%2e%2e%2fup.png": buffer.getvalue(), "/": buffer.getvalue()}
    assert cli("predict", f"{web_server.address}/%2e%2e%2fup.png", f"{web_server.address}/", "-o", "o").code == 0
    assert sorted(p.name for p in (folder / "o").iterdir()) == ["picture.poses.png", "poses.json", "up.poses.png"]


def test_values_that_are_black_and_white_can_be_said(cli, tmp_path):
    assert "--range" in cli("predict", "--help").out.replace("\x1b", "")
    ran = cli("predict", tmp_path / "a.png", "--range", "9,5")
    assert ran.code == 2
    assert "LOW,HIGH" in ran.err


def test_they_are_called_poses_where_nobody_is_a_person(cli, estimator, folder):
    assert cli("predict", folder, "--max-poses", 1).code == 0
    assert estimator.options["decode"].max_poses == 1


def test_a_picture_with_more_pixels_than_allowed_is_read_reduced_and_its_poses_are_in_its_own(
    cli, estimator, folder, caplog
):
    ran = cli("predict", "a.jpg", "b.png", "--max-pixels", "1000", "--out", "out")
    assert ran.code == 1
    assert "a.jpg: 64 x 48 pixels, read at 1/2" in caplog.text
    assert "b.png declares 64 x 48 pixels, more than the limit of 1000" in ran.err
    assert "--max-pixels" in ran.err
    assert Image.open(folder / "out/a.poses.jpg").size == (32, 24)
    (picture,) = json.loads((folder / "out/poses.json").read_text())["pictures"]
    assert (picture["width"], picture["height"]) == (64, 48)
    places = [(k["x"], k["y"]) for k in picture["people"][0]["keypoints"]]
    expected = (np.linspace(0.1, 0.9, 18)[:, None] * (32, 24) + 0.5) * 2 - 0.5
    np.testing.assert_allclose(places, np.stack([expected[:, 0], expected[::-1, 1]], -1), atol=0.01)
