"""Of a folder each result is found once; sources that are at hand are shown and linked."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from nimblepose.core.errors import MediaError
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import HUMAN_18
from nimblepose.report.bins import Sighting
from nimblepose.report.finding import find_results, open_results
from nimblepose.report.stills import Stills, find_source, make_link

FRAME = Sighting("a.png", 3, 0.3, 1, 0.5, Poses.empty(HUMAN_18).keypoints, np.zeros(0, bool))


def test_of_each_result_the_form_that_tells_most(tmp_path):
    for name in (
        "a.poses.csv", "a.poses.jsonl", "a.poses.coco.json", "b.poses.parquet", "b.poses.csv", "poses.json",
        "poses.csv", "c.poses.partial.jsonl", "a.poses.partial.jsonl", "x_keypoints.json", "other.csv", "a.poses.mp4",
        ".q.poses.csv", "a.poses.excel.csv", "e.poses.excel.csv",
    ):  # fmt: skip
        (tmp_path / name).touch()
    found = find_results([tmp_path, tmp_path / "a.poses.jsonl", tmp_path / "gone.csv"])
    names = ["a.poses.jsonl", "b.poses.parquet", "c.poses.partial.jsonl", "e.poses.excel.csv", "poses.json", "gone.csv"]
    assert [path.name for path in found] == names


def test_a_folder_without_results_and_a_file_of_another_kind_are_refused(tmp_path):
    with pytest.raises(MediaError, match="no results in this folder"):
        find_results([tmp_path])
    with pytest.raises(MediaError, match=r"a\.mp4: results end in"):
        open_results(tmp_path / "a.mp4")


@pytest.mark.parametrize("name", ["", "0", "rtsp://door/1", "missing.mp4", "a\0b", "x" * 5000, "-"])
def test_what_is_not_at_hand_is_not_looked_for(tmp_path, name):
    assert find_source(name, tmp_path / "a.poses.jsonl") is None
    stills = Stills(name, tmp_path / "a.poses.jsonl")
    assert stills.find(FRAME) is None
    assert stills.link(FRAME, tmp_path / "page.html") == ""


def test_sources_beside_the_results_are_found(tmp_path):
    (tmp_path / "a.mp4").touch()
    assert find_source("/long/gone/a.mp4", tmp_path / "a.poses.jsonl") == tmp_path / "a.mp4"


def test_links_are_relative_and_no_name_means_anything_else(tmp_path):
    for name in ("javascript:alert(1)", 'a"b#t ?.mp4'):
        (tmp_path / name).touch()
    (tmp_path / "pages").mkdir()
    link = make_link(tmp_path / 'a"b#t ?.mp4', tmp_path / "pages/report.html")
    assert link == "../a%22b%23t%20%3F.mp4"
    assert make_link(tmp_path / "javascript:alert(1)", tmp_path / "r.html").startswith("javascript%3A")
    assert make_link(tmp_path, tmp_path / "r.html") == ""


def test_stills_are_the_frame_of_that_time(tmp_path):
    (tmp_path / "film").mkdir()
    for n in range(6):
        cv2.imwrite(str(tmp_path / f"film/{n}.png"), np.full((8, 8, 3), 10 * n, np.uint8))
    stills = Stills(str(tmp_path / "film"), tmp_path / "a.poses.jsonl", rate=10)
    assert (stills.find(FRAME) == 30).all()
    assert stills.read(9.0) is None


def test_pictures_are_found_by_name_and_damaged_ones_left_out(tmp_path):
    stills = Stills(None, tmp_path / "poses.json")
    assert stills.find(FRAME) is None
    cv2.imwrite(str(tmp_path / "a.png"), np.full((8, 8, 3), 7, np.uint8))
    assert (stills.find(FRAME) == 7).all()
    assert stills.link(FRAME, Path(tmp_path / "r.html")) == "a.png"
    (tmp_path / "a.png").write_bytes(b"\x89PNG")
    assert stills.find(FRAME) is None
