"""`nimblepose report`: from what the other verbs wrote to a page."""

import json

import cv2
import numpy as np
import pytest
from own_formats import FORMATS

from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import Skeleton
from nimblepose.media.frames import Stamp
from nimblepose.results.output_format import Header

CREATURE = Skeleton("creature", ("head", "body", "tail"), (("head", "body"), ("body", "tail")))


@pytest.fixture
def results(tmp_path):
    """A folder with the results of one video in all forms, and the video, a folder of frames."""
    header = Header(model="m", skeletons=(CREATURE,), source="film", rate=10)
    files = [f.video.begin(tmp_path / f"film{f.video.ending}", header) for f in FORMATS if f.video and not f.keypoints]
    (tmp_path / "film").mkdir()
    for n in range(20):
        keypoints = np.array([[[n, 10], [n + 5, 20], [n, 30 + n]]], np.float32)
        poses = Poses(CREATURE, keypoints, np.full((1, 3), 0.5, np.float32), np.full(1, 0.7, np.float32), np.array([4]))
        for file in files:
            file.add(Stamp(n, n / 10, (48, 64)), poses)
        cv2.imwrite(str(tmp_path / f"film/{n:02}.png"), np.full((48, 64, 3), 100, np.uint8))
    for file in files:
        file.finish()
    return tmp_path


def test_a_folder_makes_one_page(cli, results):
    ran = cli("report", results, "--out", results / "report.html")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == ["1 source", f"-> {results / 'report.html'}"]
    page = (results / "report.html").read_text("utf-8")
    assert "film.poses.jsonl" in page
    assert "angle: body (head to tail)" in page
    assert "data:image/jpeg" not in page


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_every_form_tells_the_same(cli, results, form):
    if form == "parquet":
        pytest.importorskip("pyarrow")
    (results / "s.json").write_text(json.dumps(CREATURE.to_dict()))
    given = ("--skeleton", results / "s.json") if form == "csv" else ()
    assert cli("report", results / f"film.poses.{form}", "-o", results / "a.html", "-q", *given).code == 0
    page = (results / "a.html").read_text("utf-8")
    assert "Identity 4: 0:00.0 to 0:01.9" in page
    assert ("its size" in page) == (form != "jsonl")


def test_a_csv_of_a_skeleton_of_ones_own_asks_for_it(cli, results):
    ran = cli("report", results / "film.poses.csv", "-o", results / "a.html")
    assert ran.code == 2
    assert "does not say which skeleton" in ran.err
    assert not (results / "a.html").exists()


def test_stills_are_put_in_on_request(cli, results):
    assert cli("report", results / "film.poses.jsonl", "-o", results / "a.html", "--stills", "-q").code == 0
    assert (results / "a.html").read_text("utf-8").count("data:image/jpeg") >= 3


def test_one_that_cannot_be_read_does_not_stop_the_others(cli, results):
    (results / "bad.poses.jsonl").write_text("{}\n")
    ran = cli("report", results, "-o", results / "a.html")
    assert ran.code == 1
    assert "bad.poses.jsonl" in ran.err
    assert (results / "a.html").exists()


def test_what_cannot_begin_ends_in_2(cli, results, tmp_path):
    assert cli("report", results / "missing.jsonl", "-o", results / "a.html").code == 2
    assert cli("report", results, "-o", results / "a.pdf").code == 2
    assert cli("report", results, "-o", results / "nowhere/a.html").code == 2
    (tmp_path / "empty").mkdir()
    assert "no results in this folder" in cli("report", tmp_path / "empty", "-o", results / "a.html").err
