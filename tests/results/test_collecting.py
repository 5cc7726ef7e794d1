"""What the sources of a run mean."""

import pytest
from PIL import Image
from video_files import make_video, numbered

from nimblepose.results.collecting import collect_all, collect_streams


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Pictures and videos, together and apart; we are there."""
    monkeypatch.chdir(tmp_path)
    for name in ("both/1.jpg", "both/2.JPG", "both/z.mp4", "clips/a.mp4", "clips/b.MOV", "frames/1.png", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("words")
    make_video(tmp_path / "clip.mkv", [numbered(n) for n in range(3)]).rename(tmp_path / "clip.xyz")
    Image.fromarray(numbered(1)).save(tmp_path / "photo.png")
    return tmp_path


def collected(collect, *sources):
    found = collect(sources)
    return list(found.pictures), list(found.videos), list(found.failures), found.notes


@pytest.mark.parametrize(
    ("sources", "pictures", "videos"),
    [
        (["both"], ["both/1.jpg", "both/2.JPG"], ["both/z.mp4"]),
        (["clips", "clips/a.mp4"], [], ["clips/a.mp4", "clips/b.MOV"]),
        (["clips/*.mp4", "clips/*.mov"], [], ["clips/a.mp4", "clips/b.MOV"]),
        (["**/*.jpg", "both/2.JPG"], ["both/1.jpg", "both/2.JPG"], []),
        (["clip.xyz", "photo.png"], ["photo.png"], ["clip.xyz"]),
        (["0", "-", "rtsp://door/1", "https://a.org/b.mp4"], [], ["0", "-", "rtsp://door/1", "https://a.org/b.mp4"]),
        (["https://a.org/photo"], ["https://a.org/photo"], []),
        (["none.jpg", "none.mp4", "none"], ["none.jpg", "none"], ["none.mp4"]),
    ],
    ids=["folder", "videos", "patterns", "deep", "content", "streams", "web", "missing"],
)
def test_pictures_and_videos_are_taken_once_each_and_in_order(here, sources, pictures, videos):
    assert collected(collect_all, *sources) == (pictures, videos, [], [])


@pytest.mark.parametrize(
    ("sources", "videos"),
    [
        (["clips"], ["clips/a.mp4", "clips/b.MOV"]),
        (["clips/*.m*"], ["clips/a.mp4", "clips/b.MOV"]),
        (["frames", "both/*.jpg"], ["frames", "both/*.jpg"]),
        (["0", "clip.xyz", "none.mp4"], ["0", "clip.xyz", "none.mp4"]),
    ],
    ids=["folder", "pattern", "frames", "others"],
)
def test_streams_are_the_frames_of_a_folder_or_its_videos(here, sources, videos):
    assert collected(collect_streams, *sources) == ([], videos, [], [])


def test_what_is_left_out_is_said_and_counted(here):
    note = "both: taken for 2 frames; 1 video beside them left out, such as both/z.mp4; name them to take them"
    assert collected(collect_streams, "both") == ([], ["both"], [], [note])
    note = "*: 1 file is neither picture nor video and left out, such as notes.txt"
    assert collected(collect_all, "*") == (["photo.png"], ["clip.xyz"], [], [note])


def test_what_means_nothing_costs_no_other(here):
    (here / "empty").mkdir()
    pictures, videos, failures, _ = collected(
        collect_all, "nothing/*.jpg", "empty", "~nobody-has-this-name/*", "both/1.jpg"
    )
    assert (pictures, videos) == (["both/1.jpg"], [])
    assert failures == ["nothing/*.jpg", "empty", "~nobody-has-this-name/*"]
    assert collected(collect_streams, "empty")[2] == ["empty"]
