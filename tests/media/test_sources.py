"""Files, folders and patterns mean the pictures a person expects."""

import subprocess
import sys

import av
import pytest
from PIL import Image
from video_files import number_of, numbered

from nimblepose.core.errors import MediaError, OptionError
from nimblepose.media.frames import Selection
from nimblepose.media.sources import find_pictures, is_camera, is_recorded, open_frames


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
        ("*.jpg", []),
        ("**/*.jpg", ["sub/c.jpg"]),
        ("odd[1].png", ["odd[1].png"]),
        ("missing.png", ["missing.png"]),
    ],
    ids=["folder", "file", "drawn_file_by_name", "glob", "glob_of_drawn_only", "deep_glob", "brackets", "missing"],
)
def test_sources(folder, source, expected):
    if not expected:
        with pytest.raises(MediaError, match="no file fits"):
            names(folder, source)
    else:
        assert names(folder, source) == expected


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(MediaError, match="no pictures"):
        find_pictures(str(tmp_path))


@pytest.fixture
def numbers(tmp_path):
    """f1.png to f12.png, numbered; the fifth cannot be read."""
    for number in range(1, 13):
        Image.fromarray(numbered(number)).save(tmp_path / f"f{number}.png")
    (tmp_path / "f5.png").write_bytes(b"broken")
    return tmp_path


@pytest.mark.parametrize("pattern", ["", "/f*.png"], ids=["folder", "pattern"])
def test_a_folder_of_frames_is_a_video_in_the_order_people_count(numbers, pattern):
    source = open_frames(f"{numbers}{pattern}", rate=10)
    found = [(f.index, f.time, number_of(f.image)) for f in source]
    assert found == [(n - 1, (n - 1) / 10, n) for n in range(1, 13) if n != 5]
    assert "f5.png" in source.problems[0]
    assert source.info.duration == pytest.approx(1.2)


def test_a_selection_of_a_folder(numbers):
    source = open_frames(numbers, Selection(every=2, start=0.2, end=1.0, after=3), rate=10)
    assert [f.index for f in source] == [6, 8]


@pytest.mark.parametrize("rate", [0, -1, float("nan")])
def test_a_folder_needs_a_rate(numbers, rate):
    with pytest.raises(OptionError, match="rate above 0"):
        open_frames(numbers, rate=rate)


def test_standard_input(video):
    code = (
        "from nimblepose.media.sources import open_frames; s = open_frames('-');"
        "print(s.info.name, [(f.index, f.time) for f in s] == [(n, n / 10) for n in range(20)])"
    )
    stream_file = video.with_suffix(".ts")
    with av.open(str(video)) as source, av.open(str(stream_file), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    with stream_file.open("rb") as file:
        ran = subprocess.run([sys.executable, "-c", code], stdin=file, capture_output=True, text=True, check=True)
    assert ran.stdout == "standard input True\n"


def test_a_file_may_be_called_like_a_camera(tmp_path, monkeypatch, video):
    monkeypatch.chdir(tmp_path)
    assert is_camera("7")
    video.rename("7")
    assert not is_camera("7")
    assert len(list(open_frames("7"))) == 20


@pytest.mark.parametrize(
    ("source", "recorded"),
    [("match.mp4", True), ("frames", True), ("f*.png", True), ("-", False), ("0", False), ("/dev/video1", False),
     ("rtsp://door.local/1", False), ("https://a.org/a.mp4", False)],
)  # fmt: skip
def test_what_can_be_read_twice(source, recorded):
    assert is_recorded(source) == recorded


def test_hidden_files_are_no_pictures_unless_named(tmp_path):
    """macOS puts `._NAME` beside every file on a memory card, Android `.trashed-...`: neither is a picture."""
    for name in ("a.jpg", "b.jpg", "._a.jpg", "._b.jpg", ".trashed-1-c.jpg"):
        (tmp_path / name).touch()
    for source in (tmp_path, tmp_path / "*.jpg", tmp_path / "**/*.jpg"):
        assert [path.name for path in find_pictures(str(source))] == ["a.jpg", "b.jpg"]
    assert find_pictures(str(tmp_path / "._a.jpg")) == [tmp_path / "._a.jpg"]
    assert len(find_pictures(str(tmp_path / "._*.jpg"))) == 2
