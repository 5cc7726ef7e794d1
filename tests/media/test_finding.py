"""Files, folders and patterns mean the pictures and videos a person expects."""

import os
import sys
from pathlib import Path

import pytest
from PIL import Image
from video_files import make_video, numbered

from nimblepose.core.errors import MediaError
from nimblepose.media.finding import find_kind, find_media, find_pictures, is_folder, is_there


@pytest.fixture
def folder(tmp_path):
    for name in ("b.png", "a.JPG", "a.poses.jpg", "notes.txt", "sub/c.jpg", "odd[1].png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def names(folder, source):
    return [p.relative_to(folder).as_posix() for p in find_pictures(str(folder / source))]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (".", ["a.JPG", "b.png", "odd[1].png"]),
        ("b.png", ["b.png"]),
        ("a.poses.jpg", ["a.poses.jpg"]),
        ("*.png", ["b.png", "odd[1].png"]),
        ("*.poses.jpg", []),
        ("*.jpg", ["a.JPG"]),
        ("**/*.Jpg", ["a.JPG", "sub/c.jpg"]),
        ("odd[1].png", ["odd[1].png"]),
        ("missing.png", ["missing.png"]),
    ],
    ids=[
        "folder",
        "file",
        "drawn_file_by_name",
        "glob",
        "glob_of_drawn_only",
        "any_letters",
        "deep_glob",
        "brackets",
        "missing",
    ],
)
def test_sources(folder, source, expected):
    if not expected:
        with pytest.raises(MediaError, match="no picture or video fits"):
            names(folder, source)
    else:
        assert names(folder, source) == expected


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(MediaError, match="no pictures"):
        find_pictures(str(tmp_path))


def test_hidden_files_are_no_pictures_unless_named(tmp_path):
    """macOS puts `._NAME` beside every file on a memory card, Android `.trashed-...`: neither is a picture."""
    for name in ("a.jpg", "b.jpg", "._a.jpg", "._b.jpg", ".trashed-1-c.jpg"):
        (tmp_path / name).touch()
    for source in (tmp_path, tmp_path / "*.jpg", tmp_path / "**/*.jpg"):
        assert [path.name for path in find_pictures(str(source))] == ["a.jpg", "b.jpg"]
    assert find_pictures(str(tmp_path / "._a.jpg")) == [tmp_path / "._a.jpg"]
    assert len(find_pictures(str(tmp_path / "._*.jpg"))) == 2


def test_a_folder_called_like_a_picture_is_none(tmp_path, monkeypatch):
    (tmp_path / "b.jpg").mkdir()
    (tmp_path / "a.jpg").touch()
    monkeypatch.setenv("HOME", str(tmp_path))
    for source in (str(tmp_path), f"{tmp_path}/*.jpg", "~", "~/*.jpg"):
        assert find_pictures(source) == [tmp_path / "a.jpg"], source
    assert find_pictures("~/a.jpg") == [tmp_path / "a.jpg"]


def test_patterns_are_sorted_and_go_down_where_they_say_so(tmp_path, monkeypatch):
    for name in ("b/2.png", "a/1.png", "c.png", "b/d/3.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    assert [str(p) for p in find_pictures("**/*.png")] == ["a/1.png", "b/2.png", "b/d/3.png", "c.png"]
    assert [str(p) for p in find_pictures("*/?.png")] == ["a/1.png", "b/2.png"]


def test_what_can_be_no_name_is_not_there():
    assert not is_there("x" * 5000)
    assert not is_folder("x" * 5000)
    assert is_there(".")
    assert is_there(sys.executable)


def found(source):
    return [[path.name for path in files] for files in find_media(str(source))]


def test_a_folder_and_a_pattern_mean_their_videos_too(tmp_path):
    """Of the results of an earlier run, finished or not, and of a camera's small copies none is taken with a folder."""
    for name in ("b.MP4", "a.mov", "x.jpg", "b.poses.mp4", "b.poses.partial.mp4", "b.LRV", "._b.MP4", "b.poses.jsonl"):
        (tmp_path / name).write_text("{}")
    assert found(tmp_path) == [["x.jpg"], ["a.mov", "b.MP4"], []]
    assert found(tmp_path / "*") == [["x.jpg"], ["a.mov", "b.LRV", "b.MP4"], []]
    assert found(tmp_path / "*.mp4") == [[], ["b.MP4"], []]
    assert found(tmp_path / "b.poses.mp4") == [[], ["b.poses.mp4"], []]
    assert found(tmp_path / "*.lrv") == [[], ["b.LRV"], []]
    with pytest.raises(MediaError, match=r"no pictures, but 1 videos, such as .*b\.MP4"):
        find_pictures(str(tmp_path / "*.mp4"))


def test_other_files_that_a_pattern_fits_are_told(tmp_path):
    (tmp_path / "a.jpg").touch()
    (tmp_path / "notes.txt").write_text("not a picture")
    assert found(tmp_path / "*") == [["a.jpg"], [], ["notes.txt"]]
    with pytest.raises(MediaError, match=r"no picture or video fits this pattern, only 1 other files, such as .*notes"):
        find_media(str(tmp_path / "*.txt"))


def test_brackets_in_a_folder_that_is_there_stand_for_themselves(tmp_path):
    for name in ("take[1]/a.jpg", "take[1]/b[2].jpg", "take1/c.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert found(f"{tmp_path}/take[1]/*.jpg")[0] == ["a.jpg", "b[2].jpg"]
    assert found(f"{tmp_path}/take[[]1]/a*")[0] == ["a.jpg"]
    assert found(f"{tmp_path}/take[0-9]/*.jpg")[0] == ["c.jpg"]
    with pytest.raises(MediaError, match=r"where a name has a \[, write \[\[\]"):
        find_media(f"{tmp_path}/*/b[2].jp?")


@pytest.mark.parametrize(
    "name",
    ["GX01.LRV", "front.dav", "VID.insv", "GS01.360", "MOV001.MOD", "a.qt", "a.divx", "a.f4v", "a.m2ts"],
)
def test_what_recorders_and_cameras_write_is_a_video_by_its_name(name):
    assert find_kind(Path(name)) == "video"


def test_a_name_that_says_nothing_is_looked_into(tmp_path):
    """What PyAV opens is a video, but not what FFmpeg makes of a text; a pipe cannot be looked into twice."""
    make_video(tmp_path / "clip.mkv", [numbered(n) for n in range(3)]).rename(tmp_path / "clip.xyz")
    Image.fromarray(numbered(1)).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "photo")
    (tmp_path / "notes.txt").write_text("\x1b[31mred\x1b[0m, and so on\n" * 20)
    kinds = [find_kind(tmp_path / name) for name in ("clip.xyz", "photo", "notes.txt", "none")]
    assert kinds == ["video", "picture", None, None]
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        assert find_kind(tmp_path / "pipe") is None
