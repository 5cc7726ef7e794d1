import numpy as np
import pytest
from mouse_scene import write_coco, write_dlc
from typer.testing import CliRunner

from nimblepose.cli.app import app, main
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import COCO_17
from nimblepose.media.frames import Stamp
from nimblepose.results.formats.own import JsonLines
from nimblepose.results.output_format import Header
from nimblepose.results.reading import ResultsFile


def run(*arguments):
    return CliRunner().invoke(app, ["data", "convert", *map(str, arguments)])


def test_a_dry_run_says_what_would_be_lost_and_writes_nothing(tmp_path, capsys):
    (tmp_path / "a").mkdir()
    write_coco(tmp_path / "a")
    result = run(tmp_path / "a", tmp_path / "b", "--to", "yolo", "--dry-run")
    assert result.exit_code == 0, result.output
    assert "8 hidden keypoints" not in result.output
    assert "16 names of animals are lost" in result.output
    assert not (tmp_path / "b").exists()
    assert "nothing is lost" in run(tmp_path / "a", tmp_path / "b", "--to", "coco", "--dry-run").output
    with pytest.raises(SystemExit):
        main(["data", "convert", str(tmp_path / "a"), str(tmp_path / "b"), "--to", "yolo", "--strict"])
    assert "would be lost" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["data", "convert", str(tmp_path / "a"), str(tmp_path / "b"), "--to", "yol"])
    assert "unknown form 'yol'; choose from coco, dlc" in capsys.readouterr().err


def test_what_is_read_is_not_written_over(tmp_path, capsys):
    (tmp_path / "a").mkdir()
    write_coco(tmp_path / "a")
    before = {path: path.read_bytes() for path in (tmp_path / "a").rglob("*") if path.is_file()}
    with pytest.raises(SystemExit):
        main(["data", "convert", str(tmp_path / "a"), str(tmp_path / "a" / "." / ".." / "a"), "--to", "coco"])
    assert "is what is read, and would be overwritten" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in (tmp_path / "a").rglob("*") if path.is_file()} == before
    assert run(tmp_path / "a", tmp_path / "a", "--to", "coco", "--dry-run").exit_code == 0


def test_labels_are_converted_with_their_pictures(tmp_path):
    write_dlc(tmp_path / "a")
    result = run(tmp_path / "a", tmp_path / "b", "--to", "cvat")
    assert result.exit_code == 0, result.output
    assert f"-> {tmp_path / 'b' / 'annotations.xml'}" in result.output
    assert len(list((tmp_path / "b" / "images").rglob("*.png"))) == 12


def test_results_of_a_video_go_from_form_to_form(tmp_path):
    file = JsonLines(tmp_path / "day.poses.jsonl", Header(model="m", skeletons=(COCO_17,), source="day.mp4", rate=25))
    for n in range(5):
        keypoints = np.full((1, 17, 2), n, np.float32)
        one = Poses(COCO_17, keypoints, np.full((1, 17), 0.5, np.float32), np.full(1, 0.75, np.float32), np.array([3]))
        file.add(Stamp(n, n / 25, (48, 64)), one if n else one[[]])
    file.finish()
    assert run(tmp_path / "day.poses.jsonl", tmp_path / "b", "--to", "dlc-results", "--quiet").output == ""
    assert len((tmp_path / "b" / "day.poses.dlc.csv").read_text().splitlines()) == 4 + 5
    assumed = run(tmp_path / "b" / "day.poses.dlc.csv", tmp_path / "e", "--to", "trc").output
    assert "30 frames per second are assumed; --rate says otherwise" in assumed
    assert run(tmp_path / "b" / "day.poses.dlc.csv", tmp_path / "c", "--to", "json", "--rate", 25).exit_code == 0
    back = list(ResultsFile(tmp_path / "c" / "day.poses.jsonl"))
    assert [frame.time for frame in back] == [0, 0.04, 0.08, 0.12, 0.16]
    assert [len(frame.poses) for frame in back] == [0, 1, 1, 1, 1]
    assert back[4].poses.track_ids.tolist() == [3]
    np.testing.assert_array_equal(back[4].poses.keypoints, np.full((1, 17, 2), 4))
    assert run(tmp_path / "day.poses.jsonl", tmp_path / "d", "--to", "labelme").exit_code == 0


def test_what_results_of_a_video_lose_is_said(tmp_path, capsys):
    source = tmp_path / "day.poses.jsonl"
    file = JsonLines(source, Header(model="m", skeletons=(COCO_17,), source="day.mp4", rate=25))
    keypoints, off = np.ones((1, 17, 2), np.float32), np.full((1, 17), 1.5, np.float32)
    one = Poses(COCO_17, keypoints, off / 3, np.ones(1, np.float32), np.array([3]), keypoint_errors=off)
    for n in range(2):
        file.add(Stamp(n, n / 25, (48, 64)), one)
    file.finish()
    lost = "2 animals lose by how much their keypoints may be off"
    assert f"{lost}; {source} has them" in run(source, tmp_path / "b", "--to", "trc").output
    assert "2 scores of what a model found are lost" in run(source, tmp_path / "b2", "--to", "trc").output
    assert lost in run(source, tmp_path / "c", "--to", "trc", "--dry-run").output
    with pytest.raises(SystemExit):
        main(["data", "convert", str(source), str(tmp_path / "d"), "--to", "trc", "--strict"])
    assert not (tmp_path / "d").exists()
    kept = run(source, tmp_path / "e", "--to", "coco-dataset")
    assert "lose" not in kept.output
    back = run(tmp_path / "e" / "day.poses.coco-dataset.json", tmp_path / "f", "--to", "json")
    assert back.exit_code == 0, back.output
    (path,) = (tmp_path / "f").glob("*.jsonl")
    for frame in ResultsFile(path):
        np.testing.assert_array_equal(frame.poses.keypoint_errors, off)
