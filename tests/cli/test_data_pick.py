"""`nimblepose data pick`: frames of a video as a set that the other verbs read."""

import json

import pytest
from video_files import make_video, number_of, numbered

from nimblepose.media.pictures import read_picture

pytest.importorskip("torch")


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
