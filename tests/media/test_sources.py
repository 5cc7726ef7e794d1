"""Files, folders and patterns mean the pictures a person expects."""

import subprocess
import sys
import threading

import av
import pytest
from live_pages import stream_of
from PIL import Image
from video_files import make_video, number_of, numbered

from nimblepose.core.errors import MediaError, OptionError
from nimblepose.media import sources
from nimblepose.media.frames import Selection
from nimblepose.media.live import LiveOptions
from nimblepose.media.sources import (
    is_camera,
    is_endless,
    is_recorded,
    is_video,
    open_frames,
)


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


def test_what_is_certainly_a_video(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "match.mp4").mkdir()
    videos = ("-", "0", "/dev/video2", "RTSP://door/1", "a.MOV", "b.mkv?x.mkv", "https://a.org/b.ts#t=1", "other.mp4")
    assert [is_video(source) for source in videos] == [True] * len(videos)
    others = (
        "match.mp4",
        "a.jpg",
        "photos",
        "a.mp4?x",
        "https://a.org/b?name=c.mp4",
        "gopher://a",
        "123456",
        "v.mp4.txt",
    )
    assert [is_video(source) for source in others] == [False] * len(others)


def test_what_goes_on_until_somebody_stops_it(tmp_path, monkeypatch, web_server, video):
    monkeypatch.setattr(sources, "check_device", lambda device, name: asked.append((device, name)))
    asked = []
    assert is_endless("12")
    assert is_endless("/dev/video7")
    assert asked == [(12, "camera 12"), ("/dev/video7", "camera /dev/video7")]
    assert not is_endless(str(video))
    assert not is_endless("missing.mp4")
    data = video.read_bytes()
    web_server.pages["/a.mp4"] = data
    web_server.pages["/live.ts"] = stream_of(make_video(tmp_path / "a.ts", [numbered(n) for n in range(5)]))
    assert not is_endless(f"{web_server.address}/a.mp4")
    assert is_endless(f"{web_server.address}/live.ts")
    with pytest.raises(MediaError, match="404"):
        is_endless(f"{web_server.address}/gone")
    monkeypatch.setattr(sources, "_STREAM_SCHEMES", ("http",))
    assert is_endless(f"{web_server.address}/a.mp4"), "an address of a kind that only streams have"


def test_a_server_that_is_asked_whether_it_is_live_has_no_longer_than_frames_have(web_server):
    held = threading.Event()
    web_server.pages["/slow"] = lambda handler: held.wait(5)
    with pytest.raises(MediaError, match="no answer in time"):
        is_endless(f"{web_server.address}/slow", LiveOptions(timeout=0.2))
    with pytest.raises(MediaError, match="no answer in time"):
        open_frames(f"{web_server.address}/slow", live=LiveOptions(timeout=0.2))
    held.set()


class Connected:
    """A live source, of which only is asked what it was made with."""

    def __init__(self, *given, **options):
        self.given, self.options, self.container = given, options, None


@pytest.mark.parametrize("source", [3, "3", "/dev/video3", "rtsp://door/1", "https://a.org/live"])
def test_what_is_asked_of_live_sources_reaches_them(monkeypatch, tmp_path, source):
    monkeypatch.chdir(tmp_path)
    for name in ("Camera", "NetworkStream", "LiveSource"):
        monkeypatch.setattr(sources, name, type(name, (Connected,), {}))
    selection, live = Selection(every=2), LiveOptions(timeout=3)
    opened = open_frames(source, selection, live=live, levels="full")
    connection, *rest = opened.given
    assert type(opened).__name__ == "LiveSource"
    assert rest == [selection, live]
    if "://" in str(source):
        assert (type(connection).__name__, connection.given) == ("NetworkStream", (source, live))
        assert connection.options == {"levels": "full"}
    else:
        device = source if str(source).startswith("/") else 3
        assert (type(connection).__name__, connection.given) == ("Camera", (device,))


def test_a_name_of_as_many_digits_as_a_year_and_a_day_is_a_file(tmp_path, monkeypatch):
    """Cameras have small numbers; 20261127 is a recording, there or not."""
    monkeypatch.chdir(tmp_path)
    assert is_camera("99999")
    assert not is_camera("100000")
    for name in ("20261127", "x" * 5000):
        with pytest.raises(MediaError):
            open_frames(name)


def test_a_folder_with_brackets_is_no_pattern_and_a_home_is_found(tmp_path, monkeypatch):
    (tmp_path / "take[1]").mkdir()
    Image.fromarray(numbered(3)).save(tmp_path / "take[1]" / "a.png")
    monkeypatch.setenv("HOME", str(tmp_path))
    for source in (f"{tmp_path}/take[1]", f"{tmp_path}/take?1?/*.png", f"{tmp_path}/take[[]1]/a.png"):
        assert [f.name for f in open_frames(source)] == ["a.png"], source
    make_video(tmp_path / "clip[1].mp4", [numbered(n) for n in range(3)])
    assert len(list(open_frames(tmp_path / "clip[1].mp4"))) == 3
    assert len(list(open_frames("~/clip[1].mp4"))) == 3


def test_a_live_address_whose_headers_dribble_has_no_longer_than_others(web_server):
    def drip(handler):
        try:
            handler.wfile.write(b"HTTP/1.0 200 OK\r\n")
            while not held.wait(0.02):
                handler.wfile.write(b"X-More: and more\r\n")
        except OSError:
            pass

    held = threading.Event()
    web_server.pages["/drip"] = drip
    with pytest.raises(MediaError, match="no answer in time"):
        open_frames(f"{web_server.address}/drip", live=LiveOptions(timeout=0.3))
    held.set()
