"""Results of videos are named after their sources, and no two alike."""

import os
from pathlib import Path

import pytest

from nimblepose.results.naming import mirror_folders, name_results, shorten


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
    assert name_results(["a/clip.mp4", "a/clip.mov", "a/CLIP.avi"], Path("out")) == [
        Path("out/clip"), Path("out/clip-2"), Path("out/CLIP-3")
    ]  # fmt: skip
    assert name_results(["a/clip.mp4", "b/clip.mov"], None) == [Path("a/clip"), Path("b/clip")]


def test_of_several_folders_equal_names_lie_as_their_sources_do():
    sources = ["day/cam1/clip.mp4", "day/cam2/x/Clip.mov", "day/cam2/x/clip.avi", "0", "day/other.mp4"]
    assert name_results(sources, Path("out")) == [
        Path("out/cam1/clip"), Path("out/cam2/x/Clip"), Path("out/cam2/x/clip-2"), Path("out/camera-0"),
        Path("out/other"),
    ]  # fmt: skip


def test_what_is_common_is_found_without_going_up():
    places = [(Path("a/../b/c"), "x"), (Path("b/d"), "x"), (Path("b"), "y")]
    assert mirror_folders(places) == [Path("c"), Path("d"), Path()]
    assert mirror_folders([]) == []
    elsewhere = [(Path("a/b"), "x"), (Path("a/c"), "X"), (Path("a/c/d"), "y"), (Path("z"), "w")]
    assert mirror_folders(elsewhere) == [Path("b"), Path("c"), Path("c/d"), Path()]


def test_ten_thousand_equal_names_take_as_many_steps():
    """They once took the square of it."""

    class Counted(str):
        asked = 0

        def casefold(self):
            Counted.asked += 1
            return str.casefold(self)

    class Place(type(Path())):
        def absolute(self):
            Counted.asked += 1
            assert Counted.asked < 10 * number
            return super().absolute()

    number = 10_000
    found = name_results(["a/clip.mp4"] * number, Place("out"))
    assert len({str(path) for path in found}) == number
    assert Counted.asked >= number


@pytest.mark.parametrize("letter", ["x", "ü", "人", "\udcff"])
@pytest.mark.parametrize("length", [1, 100, 220, 221, 245, 251])
def test_long_names_leave_room_for_endings_and_differ(letter, length):
    stem = "a" * (length - length // 4 * 4) + letter * (length // len(os.fsencode(letter)))
    short, other = shorten(stem), shorten(f"{stem}b")
    assert len(os.fsencode(short)) <= 220
    assert (short == stem) == (len(os.fsencode(stem)) <= 220)
    assert short != other
    assert stem.startswith(short.partition("~")[0])
