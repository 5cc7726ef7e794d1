"""Results of videos are named after their sources, and no two alike."""

from pathlib import Path

import pytest

from nimblepose.results.naming import name_results


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("a/match.mp4", "a/match"),
        ("0", "camera-0"),
        ("/dev/video1", "video1"),
        ("-", "stdin"),
        ("rtsp://me:secret@door.local:554/live/1", "door.local-554-live-1"),
        ("a/....mp4", "a/video"),
        ("a/my video (1).mp4", "a/my video (1)"),
        ("a/my-video-1.mp4", "a/my-video-1"),
        ("a/héllo #2.mov", "a/héllo #2"),
        ("frames/*.png", "frames/video"),
    ],
)
def test_a_source_gives_its_name(source, name):
    (stem,) = name_results([source], None)
    assert stem == Path(name)


def test_a_folder_of_frames_keeps_its_whole_name(tmp_path):
    (tmp_path / "take.2").mkdir()
    assert name_results([str(tmp_path / "take.2")], None) == [tmp_path / "take.2"]


def test_no_two_are_alike_where_case_is_ignored_either():
    assert name_results(["a/clip.mp4", "b/clip.mov", "c/CLIP.avi"], Path("out")) == [
        Path("out/clip"), Path("out/clip-2"), Path("out/CLIP-3")
    ]  # fmt: skip
    assert name_results(["a/clip.mp4", "b/clip.mov"], None) == [Path("a/clip"), Path("b/clip")]
