"""Live sources: newest frame first, lost connections come back, nothing hangs."""

import itertools
import os
import re
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
import pytest
from live_pages import stream_of
from video_files import make_video, number_of, numbered

from nimblepose.core.errors import MediaError
from nimblepose.media import connections, containers
from nimblepose.media.connections import Camera
from nimblepose.media.frames import EVERYTHING, Selection, StreamInfo
from nimblepose.media.live import Arrival, LiveOptions, LiveSource
from nimblepose.media.sources import open_frames


@pytest.fixture(autouse=True)
def nothing_hangs():
    """Whoever waits for a frame that never comes fails instead; where there are such alarms."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def wake(*_):
        pytest.fail("it hangs")

    before = signal.signal(signal.SIGALRM, wake)
    signal.alarm(15)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


QUICK = LiveOptions(timeout=2, first_wait=0.01, longest_wait=0.02, give_up_after=0.3)


def picture(number):
    return np.full((2, 2, 3), number % 256, np.uint8)


class Script:
    """A connection that plays scenes: each a list of (sender's time, our time), or an error."""

    info = StreamInfo("script")

    def __init__(self, *scenes):
        self.scenes, self.now, self.made = list(scenes), 0.0, 0
        self.taken, self.opened = threading.Semaphore(0), 0

    def read_arrivals(self, stop):
        self.opened += 1
        scene = self.scenes.pop(0) if self.scenes else MediaError("nobody answers")
        if isinstance(scene, Exception):
            raise scene
        for sent, now in scene:
            self.now = now
            self.made += 1
            number = self.made - 1
            yield Arrival(sent, lambda number=number: picture(number))
            if not stop.is_set():
                self.taken.acquire(timeout=2)


def play(script, selection=EVERYTHING, options=QUICK):
    """Every frame, each taken before the next comes."""
    source = LiveSource(script, selection, options, clock=lambda: script.now)
    for frame in source:
        yield frame
        script.taken.release()
    if options.give_up_after is not None:
        script.now += 100


def test_frames_nobody_takes_in_time_are_dropped_and_counted():
    class Flood:
        info = StreamInfo("flood")

        def __init__(self):
            self.sent, self.pause, self.ended = 0, threading.Event(), threading.Event()

        def read_arrivals(self, stop):
            for number in range(1000):
                self.sent += 1
                yield Arrival(None, lambda number=number: picture(number))
            self.pause.set()
            self.ended.wait(5)

    flood = Flood()
    source = LiveSource(flood, options=QUICK)
    flood.pause.wait(5)
    first = next(iter(source))
    assert (first.index, source.dropped) == (999, 999)
    np.testing.assert_array_equal(first.image, picture(999))
    flood.ended.set()
    source.close()


def test_times_are_the_senders_and_go_on_over_a_lost_connection():
    script = Script([(70.0, 100.0), (70.04, 100.06), (70.08, 100.07)], [(3.0, 105.0), (3.5, 105.5)])
    frames = list(itertools.islice(play(script), 5))
    np.testing.assert_allclose([f.time for f in frames], [0, 0.04, 0.08, 5, 5.5], atol=1e-6)
    assert [f.index for f in frames] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("arrivals", "expected"),
    [
        ([(None, 10), (None, 10.5), (None, 11.25)], [0, 0.5, 1.25]),
        ([(0, 10), (9, 10.5), (9.5, 11.0)], [0, 0.5, 1.0]),
        ([(5, 10), (4.9, 10.1), (5.1, 10.2)], [0, 0.001, 0.1]),
        ([(0, 10), (1.0000004, 11), (2.0000016, 12)], [0, 1, 2.000002]),
    ],
    ids=["no_stamps", "stamps_that_jump", "stamps_that_go_back", "to_the_microsecond"],
)
def test_time_follows_our_clock_where_stamps_are_wrong_and_always_increases(arrivals, expected):
    frames = list(itertools.islice(play(Script(arrivals)), 3))
    np.testing.assert_allclose([f.time for f in frames], expected, atol=1e-9)


def test_a_selection_ends_it():
    script = Script([(n / 10, n / 10) for n in range(100)])
    source = LiveSource(script, Selection(every=2, start=0.3, end=0.8), QUICK, clock=lambda: script.now)
    for _ in range(100):
        script.taken.release()
    assert [f.index for f in source][-1] == 6
    assert source.problems == []


def test_it_gives_up_when_nothing_comes_any_more():
    script = Script([(0, 0)], MediaError("cable pulled"))
    script.taken.release()
    source = LiveSource(script, options=QUICK, clock=lambda: (time.sleep(0.001), 0.05 * script.opened)[1])
    assert len(list(source)) == 1
    assert "no frame for" in source.problems[0]
    assert "nobody answers" in source.problems[0]
    assert source.reconnections > 3


def test_a_driver_that_fails_does_not_leave_us_waiting():
    script = Script(ZeroDivisionError("in a driver"))
    source = LiveSource(script, options=LiveOptions(give_up_after=0), clock=lambda: script.now)
    assert list(source) == []
    assert "ZeroDivisionError" in source.problems[0]


def test_closing_from_elsewhere_ends_a_waiting_reader():
    class Silent:
        info = StreamInfo("silent")

        def read_arrivals(self, stop):
            stop.wait(5)
            return iter(())

    source = LiveSource(Silent(), options=QUICK)
    threading.Timer(0.05, source.close).start()
    assert list(source) == []


def test_an_http_stream_with_two_disconnects(tmp_path, web_server):
    path = make_video(tmp_path / "a.ts", [numbered(n) for n in range(20)], options={"g": "5", "tune": "zerolatency"})
    pages = [stream_of(path, break_at=0.5), stream_of(path, break_at=0.6), stream_of(path)]
    web_server.pages["/live?key=secret"] = lambda handler: pages.pop(0)(handler) if pages else handler.send_error(404)
    source = open_frames(f"{web_server.address}/live?key=secret", live=QUICK)
    assert source.live
    frames = list(source)
    assert source.reconnections >= 2
    assert len(web_server.requests) >= 3
    assert np.all(np.diff([f.time for f in frames]) > 0)
    assert np.all(np.diff([f.index for f in frames]) > 0)
    assert len(frames) + source.dropped == frames[-1].index + 1 > 30
    assert number_of(frames[-1].image) == 19
    assert "404" in source.problems[0] or "Not Found" in source.problems[0]
    assert "secret" not in source.info.name + source.problems[0]


def test_pictures_over_http(web_server):
    """Motion JPEG, as webcams on the network send it, has no times: ours are taken."""

    def page(handler):
        handler.send_response(200)
        handler.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        handler.end_headers()
        for number in range(12):
            data = cv2.imencode(".jpg", numbered(number))[1].tobytes()
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
            handler.wfile.write(head.encode() + data + b"\r\n")
            time.sleep(0.02)

    web_server.pages["/video.mjpg"] = page
    source = open_frames(f"{web_server.address}/video.mjpg", live=QUICK)
    frames = list(itertools.islice(source, 5))
    source.close()
    assert source.live
    assert frames[0].image.shape == (48, 64, 3)
    assert np.all(np.diff([f.time for f in frames]) > 0)


def test_a_recording_on_the_web_is_no_live_stream_and_opened_once(tmp_path, web_server, monkeypatch):
    monkeypatch.setattr("nimblepose.media.video.open_container", None)
    path = make_video(tmp_path / "a.mp4", [numbered(n) for n in range(20)], container_options={"movflags": "faststart"})
    web_server.pages["/a.mp4"] = path.read_bytes()
    source = open_frames(f"{web_server.address}/a.mp4")
    assert not source.live
    assert [number_of(f.image) for f in source] == list(range(20))


def test_hls(tmp_path, web_server):
    make_video(
        tmp_path / "a.m3u8",
        [numbered(n) for n in range(20)],
        container_options={"hls_time": "0.5", "hls_list_size": "0"},
        options={"g": "5"},
    )
    for part in tmp_path.iterdir():
        web_server.pages[f"/{part.name}"] = part.read_bytes()
    recording = open_frames(f"{web_server.address}/a.m3u8")
    assert not recording.live
    assert [number_of(f.image) for f in recording] == list(range(20))
    playlist = (tmp_path / "a.m3u8").read_text().replace("#EXT-X-ENDLIST", "").replace("#EXT-X-PLAYLIST-TYPE:VOD", "")
    web_server.pages["/a.m3u8"] = playlist.encode()
    source = open_frames(f"{web_server.address}/a.m3u8", live=QUICK)
    assert source.live
    frames = list(itertools.islice(source, 3))
    source.close()
    assert 0.05 < frames[2].time < 1, "segments are played at their pace, not as fast as they arrive"


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("http://127.0.0.1:9/live", "cannot open"),
        ("rtsp://me:secret@127.0.0.1:9/door", "cannot open rtsp://127.0.0.1:9/door"),
        ("gopher://127.0.0.1/x", "cannot open"),
    ],
)
def test_wrong_addresses_are_refused_in_words(address, message, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(MediaError, match=message) as caught:
        open_frames(address, live=QUICK)
    assert "secret" not in str(caught.value)


def test_a_page_that_is_no_video(web_server):
    web_server.pages["/page"] = b"<html>hello</html>" * 100
    with pytest.raises(MediaError, match="not a video"):
        open_frames(f"{web_server.address}/page", live=QUICK)
    with pytest.raises(MediaError, match=r"404|Not Found"):
        open_frames(f"{web_server.address}/gone.mp4", live=QUICK)


class Closed:
    """What OpenCV answers where it cannot open a camera."""

    made: ClassVar[list["Closed"]] = []

    def __init__(self, device):
        self.device, self.released = device, False
        Closed.made.append(self)

    def isOpened(self):  # noqa: N802 - OpenCV's name
        return False

    def release(self):
        self.released = True


@pytest.fixture
def closed(monkeypatch):
    """OpenCV opens no camera; the list of those that it was asked for."""
    monkeypatch.setattr(cv2, "VideoCapture", Closed)
    monkeypatch.setattr(Closed, "made", [])
    return Closed.made


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only opening a camera tells whether it is there")
@pytest.mark.parametrize("source", ["97", 97, "/dev/video97"], ids=repr)
def test_a_camera_that_is_not_there(closed, source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MediaError, match=r"^(camera 97|/dev/video97) is not there; this machine has "):
        open_frames(source)
    assert not closed, "OpenCV would print a warning"


@pytest.mark.skipif(sys.platform != "linux", reason="devices are files there")
def test_a_camera_that_one_may_not_use(closed, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(MediaError, match="no permission to use /dev/null; is the user in its group"):
        Camera("/dev/null")
    assert not closed


def test_a_camera_that_another_program_has(closed, monkeypatch):
    monkeypatch.setattr("nimblepose.media.connections.check_device", lambda device, name: None)
    with pytest.raises(MediaError, match=r"^camera 97 cannot be opened; is it plugged in, and not in use"):
        open_frames("97")
    assert [(one.device, one.released) for one in closed] == [(97, True)]


def test_a_camera_that_is_unplugged_and_comes_back(monkeypatch):
    class Capture:
        lives = 3

        def __init__(self, device):
            Capture.lives -= 1
            self.left = 2

        def isOpened(self):  # noqa: N802 - OpenCV's name
            return Capture.lives >= 0

        def get(self, _):
            return 4.0

        def set(self, *_):
            return True

        def read(self):
            self.left -= 1
            time.sleep(0.01)
            bgr = np.zeros((4, 4, 3), np.uint8) + np.array([1, 2, 3], np.uint8)
            return (True, bgr) if self.left >= 0 else (False, None)

        def release(self):
            pass

    monkeypatch.setattr(cv2, "VideoCapture", Capture)
    monkeypatch.setattr("nimblepose.media.connections.check_device", lambda device, name: None)
    source = LiveSource(Camera(0), options=QUICK)
    frames = list(source)
    assert frames[-1].index == 5
    assert source.reconnections >= 2
    np.testing.assert_array_equal(frames[0].image[0, 0], [3, 2, 1])
    assert "cannot be opened" in source.problems[0]


def test_waits_grow_up_to_a_limit_and_begin_anew_after_a_frame(monkeypatch):
    waits = []

    class Stop(threading.Event):
        def wait(self, timeout=None):
            if timeout is None:  # of a thread that has begun
                return super().wait()
            waits.append(timeout)
            if len(waits) == 7:
                self.set()
            return self.is_set()

    down = MediaError("down")
    script = Script(down, down, down, down, [(0, 0)], down, down)
    script.taken.release()
    monkeypatch.setattr("nimblepose.media.live.threading.Event", Stop)
    options = LiveOptions(first_wait=1, longest_wait=5, give_up_after=None)
    source = LiveSource(script, options=options, clock=lambda: script.now)
    list(source)
    assert waits == [1, 2, 4, 5, 1, 2, 4]
    assert source.reconnections == len(waits)


class Paced:
    """The event that stops a connection; remembers what it was asked to wait for, and does not wait."""

    def __init__(self):
        self.waits = []

    def wait(self, seconds):
        self.waits.append(seconds)
        return False

    def is_set(self):
        return False


def test_segments_that_arrive_at_once_are_played_at_their_pace(tmp_path, monkeypatch):
    """The clock stands still, so each frame waits for all of its time; what is far away does not stop everything."""
    path = make_video(tmp_path / "a.ts", [numbered(n) for n in range(4)], times=[0, 0.5, 2, 40], options={"bf": "0"})
    monkeypatch.setattr(connections, "name_source", str)
    monkeypatch.setattr(connections, "_IN_BURSTS", {"mpegts"})
    monkeypatch.setattr(connections.time, "monotonic", lambda: 1000.0)
    stop = Paced()
    arrivals = list(connections.NetworkStream(str(path)).read_arrivals(stop))
    assert len(arrivals) == 4
    np.testing.assert_allclose(stop.waits, [0, 0.5, 2, 10], atol=0.01)


@pytest.mark.parametrize(
    ("address", "transport"), [("RTSP://door/1", "tcp"), ("rtsps://door/1", "tcp"), ("http://a", None)]
)
def test_rtsp_comes_over_tcp_which_loses_no_pictures(address, transport, monkeypatch):
    asked = []

    def refuse(source, **options):
        asked.append((source, options))
        raise MediaError("nobody there")

    monkeypatch.setattr(connections, "open_container", refuse)
    with pytest.raises(MediaError, match="nobody there"):
        connections.NetworkStream(address, LiveOptions(timeout=3))
    assert asked == [(address, {"timeout": 3, "options": {"rtsp_transport": transport} if transport else {}})]


class Stuck:
    """A connection that delivers one frame and then neither listens nor ends, until the test does."""

    info = StreamInfo("stuck")

    def __init__(self):
        self.stop, self.free, self.waiting = None, threading.Event(), threading.Event()

    def read_arrivals(self, stop):
        self.stop = stop
        yield Arrival(None, lambda: picture(1))
        self.waiting.set()
        self.free.wait(10)


def test_closing_does_not_wait_for_a_driver_that_hangs():
    stuck = Stuck()
    source = LiveSource(stuck, options=QUICK)
    frames = iter(source)
    next(frames)
    stuck.waiting.wait(5)
    ended = threading.Event()
    reader = threading.Thread(target=lambda: (list(frames), ended.set()), daemon=True)
    reader.start()
    source.close()
    assert ended.wait(2)
    assert stuck.stop.is_set()
    stuck.free.set()


def test_who_leaves_early_stops_the_reading():
    stuck = Stuck()
    frames = iter(LiveSource(stuck, options=QUICK))
    next(frames)
    assert not stuck.stop.is_set()
    frames.close()
    assert stuck.stop.is_set()
    stuck.free.set()


def test_a_program_can_end_while_a_driver_hangs():
    code = (
        "import sys, threading\n"
        "from nimblepose.media.frames import StreamInfo\n"
        "from nimblepose.media.live import LiveSource\n"
        "class Hanging:\n"
        "    info = StreamInfo('hanging')\n"
        "    def read_arrivals(self, stop):\n"
        "        threading.Event().wait(20)\n"
        "        return iter(())\n"
        "source = LiveSource(Hanging())\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=15)


def test_a_frame_is_late_by_less_than_a_second_or_counted_by_our_clock():
    script = Script([(0, 10), (1.5, 10.5), (2.5, 11.4), (3.0, 13.0)])
    frames = list(itertools.islice(play(script), 4))
    np.testing.assert_allclose([f.time for f in frames], [0, 1.5, 1.501, 3.0], atol=1e-6)


def test_a_stream_that_is_new_says_when_it_began():
    before = datetime.now(UTC)
    script = Script([(0, 10), (1, 11)])
    source = LiveSource(script, options=QUICK, clock=lambda: script.now)
    assert source.info.started is None or source.info.started >= before
    frames = iter(source)
    next(frames)
    began = source.info.started
    assert before <= began <= datetime.now(UTC)
    script.taken.release()
    next(frames)
    assert source.info.started == began
    source.close()
    script.taken.release()


def test_who_gives_up_says_for_how_long_nothing_came():
    script = Script([(0, 0)], MediaError("cable pulled"), MediaError("still out"))
    script.taken.release()
    steps = itertools.count()
    source = LiveSource(
        script, options=LiveOptions(first_wait=0.001, give_up_after=50), clock=lambda: 10.0 * next(steps)
    )
    assert len(list(source)) == 1
    assert re.fullmatch(r"script: no frame for (50|60) s, given up; last: .+", source.problems[0])


class Lens:
    """What OpenCV answers for a camera that works."""

    made: ClassVar[list["Lens"]] = []

    def __init__(self, device):
        self.device, self.asked, self.released, self.size = device, [], False, (40, 30)
        Lens.made.append(self)

    def isOpened(self):  # noqa: N802 - OpenCV's name
        return True

    def get(self, which):
        return float({cv2.CAP_PROP_FRAME_WIDTH: 40, cv2.CAP_PROP_FRAME_HEIGHT: 30}[which])

    def set(self, *what):
        self.asked.append(what)

    def read(self):
        return True, np.zeros((30, 40, 3), np.uint8)

    def release(self):
        self.released = True


@pytest.fixture
def lenses(monkeypatch):
    """OpenCV opens every camera; the list of those that it was asked for."""
    monkeypatch.setattr(cv2, "VideoCapture", Lens)
    monkeypatch.setattr(Lens, "made", [])
    monkeypatch.setattr(connections, "check_device", lambda device, name: None)
    return Lens.made


def test_a_camera_holds_back_no_old_frames_and_is_released(lenses):
    camera = Camera(2)
    assert (camera.info.name, lenses[0].device) == ("camera 2", 2)
    assert lenses[0].asked == [(cv2.CAP_PROP_BUFFERSIZE, 1)], "of what it has seen, the newest only"
    stop = threading.Event()
    arrivals = camera.read_arrivals(stop)
    assert next(arrivals).time is None
    stop.set()
    assert list(arrivals) == []
    assert lenses[0].released
    next(camera.read_arrivals(threading.Event()))
    assert [lens.device for lens in lenses] == [2, 2], "opened once before, once again now"


def test_a_camera_of_too_many_pixels_is_refused(lenses, monkeypatch):
    monkeypatch.setattr(connections, "MAX_PIXELS", 1200)
    assert Camera("/dev/video3").info.name == "/dev/video3"
    monkeypatch.setattr(connections, "MAX_PIXELS", 1199)
    with pytest.raises(MediaError, match="/dev/video3 declares 40 x 30 pixels"):
        Camera("/dev/video3")


@pytest.mark.skipif(sys.platform != "linux", reason="devices are files there")
@pytest.mark.parametrize(
    ("there", "said"),
    [([], "no camera"), (["video2", "video-dec", "video10", "video0"], "/dev/video0, /dev/video10, /dev/video2")],
)
def test_of_a_camera_that_is_not_there_it_is_said_which_are(closed, monkeypatch, there, said):
    monkeypatch.setattr(Path, "glob", lambda folder, pattern: [folder / n for n in there if fnmatch(n, pattern)])
    with pytest.raises(MediaError) as caught:
        Camera(97)
    assert str(caught.value) == f"camera 97 is not there; this machine has {said}"


@pytest.mark.skipif(sys.platform != "linux", reason="devices are files there")
@pytest.mark.parametrize("missing", [os.R_OK, os.W_OK], ids=["read", "write"])
def test_a_camera_must_be_ours_to_read_and_to_set(closed, monkeypatch, missing):
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & missing)
    with pytest.raises(MediaError, match="no permission"):
        Camera("/dev/null")


def test_elsewhere_than_on_linux_only_opening_a_camera_tells(closed, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(MediaError, match="cannot be opened"):
        Camera(97)


@pytest.fixture
def watched(monkeypatch):
    """Files count as live addresses; the list of containers that were opened."""
    opened = []

    def open_container(source, **options):
        opened.append(containers.open_container(source))
        return opened[-1]

    monkeypatch.setattr(connections, "open_container", open_container)
    monkeypatch.setattr(connections, "name_source", str)
    return opened


def is_closed(container):
    """PyAV has no word for it, and refuses to read."""
    try:
        next(container.demux())
    except AssertionError:
        return True
    return False


def test_a_stream_is_read_by_the_connection_that_was_opened_and_closed_when_it_ends(tmp_path, watched):
    path = make_video(tmp_path / "a.ts", [numbered(n) for n in range(4)])
    stream = connections.NetworkStream(str(path))
    numbers = [number_of(arrival.picture()) for arrival in stream.read_arrivals(threading.Event())]
    assert numbers == [0, 1, 2, 3]
    assert len(watched) == 1
    assert is_closed(watched[0])
    again = [number_of(arrival.picture()) for arrival in stream.read_arrivals(threading.Event())]
    assert again == [0, 1, 2, 3]
    assert len(watched) == 2


def test_a_stream_of_too_many_pixels_is_refused_whenever_it_has_them(tmp_path, watched, monkeypatch):
    parts = [
        make_video(tmp_path / f"{h}.h264", [numbered(n, (h, 64)) for n in range(3)]).read_bytes() for h in (48, 96)
    ]
    (tmp_path / "both.h264").write_bytes(b"".join(parts))
    monkeypatch.setattr(connections, "MAX_PIXELS", 64 * 48)
    stream = connections.NetworkStream(str(tmp_path / "both.h264"))
    arrivals = stream.read_arrivals(threading.Event())
    assert [number_of(next(arrivals).picture()) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(MediaError, match="64 x 96 pixels"):
        next(arrivals)
    assert is_closed(watched[0])
    monkeypatch.setattr(connections, "MAX_PIXELS", 64 * 48 - 1)
    with pytest.raises(MediaError, match="64 x 48 pixels"):
        next(stream.read_arrivals(threading.Event()))
    with pytest.raises(MediaError, match="64 x 48 pixels"):
        connections.NetworkStream(str(tmp_path / "both.h264"))
    assert is_closed(watched[-1])


@pytest.mark.filterwarnings("ignore:pictures of more than 8 bits")
def test_times_are_the_senders_but_of_pictures_one_by_one_nobodys(tmp_path, watched):
    timed = connections.NetworkStream(str(make_video(tmp_path / "a.ts", [numbered(n) for n in range(4)])))
    stop = Paced()
    times = [arrival.time for arrival in timed.read_arrivals(stop)]
    assert stop.waits == [], "what comes as it happens is not held back"
    np.testing.assert_allclose(np.diff(times), 0.1, atol=1e-4)
    (tmp_path / "a.mjpeg").write_bytes(b"".join(cv2.imencode(".jpg", numbered(n))[1].tobytes() for n in range(4)))
    untimed = connections.NetworkStream(str(tmp_path / "a.mjpeg"))
    assert [arrival.time for arrival in untimed.read_arrivals(threading.Event())] == [None] * 4


def test_who_joins_in_the_middle_of_a_picture_sees_the_next_whole_ones(tmp_path, watched):
    path = make_video(tmp_path / "a.ts", [numbered(n) for n in range(20)], options={"g": "5", "bf": "0"})
    data = path.read_bytes()
    path.write_bytes(data[len(data) // 188 // 3 * 188 :])
    stream = connections.NetworkStream(str(path))
    numbers = [number_of(arrival.picture()) for arrival in stream.read_arrivals(threading.Event())]
    assert numbers == list(range(numbers[0], 20))
    assert 1 < numbers[0] < 16
