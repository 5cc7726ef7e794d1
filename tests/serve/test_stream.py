"""Live frames: the newest is looked at, older ones are dropped and counted, people keep their identities."""

import json
import threading
import time

import numpy as np
import pytest

pytest.importorskip("websockets")
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from nimblepose.media.encoding import encode_picture
from nimblepose.media.pictures import read_picture

KEY = "first-key-0123456789"


def open_stream(server, query="", **options):
    return connect(f"ws://127.0.0.1:{server.port}/v1/stream{query}", max_size=None, proxy=None, **options)


def ask(socket, data):
    socket.send(data)
    return json.loads(socket.recv(timeout=20))


def test_frames_come_back_with_identities(start, picture):
    server = start()
    with open_stream(server) as socket:
        answers = [ask(socket, picture) for _ in range(4)]
    assert [answer["frame"] for answer in answers] == [0, 1, 2, 3]
    assert {answer["dropped"] for answer in answers} == {0}
    assert [answer["time"] for answer in answers] == sorted(answer["time"] for answer in answers)
    (person,) = answers[-1]["people"]
    assert person["track_id"] == answers[-2]["people"][0]["track_id"]
    assert (answers[-1]["height"], answers[-1]["width"]) == (48, 64)
    server.when(lambda: server.service.streams == 0)


def test_the_newest_frame_waits_and_older_ones_are_counted(start, picture):
    server = start()
    with open_stream(server) as socket:
        server.estimator.may_go.clear()
        before = len(server.estimator.seen)
        socket.send(picture)
        server.when(lambda: len(server.estimator.seen) > before)
        for _ in range(9):
            socket.send(picture)
        server.when(lambda: "frames_total 10\n" in server.ask("GET", "/metrics").body.decode())
        server.estimator.may_go.set()
        answers = [json.loads(socket.recv(timeout=20)) for _ in range(2)]
    assert [answer["frame"] for answer in answers] == [0, 9], "the first and the newest"
    assert answers[-1]["dropped"] == 8
    assert "nimblepose_stream_dropped_frames_total 8\n" in server.ask("GET", "/metrics").body.decode()


def test_150_frames_at_30_a_second_with_the_model(model_server, people):
    """Whatever the machine manages: all are answered or dropped, in order, and the last one is looked at."""
    picture = read_picture(people)
    frames = [encode_picture(np.ascontiguousarray(picture[::4, 4 * n % 40 :: 4][:, :100]), ".jpg") for n in range(10)]
    answers = []
    with open_stream(model_server) as socket:

        def read():
            try:
                while not answers or answers[-1]["frame"] < 149:
                    answers.append(json.loads(socket.recv(timeout=20)))
            except (ConnectionClosed, TimeoutError):
                pass

        reader = threading.Thread(target=read)
        reader.start()
        begun = time.monotonic()
        for n in range(150):
            time.sleep(max(0.0, begun + n / 30 - time.monotonic()))
            socket.send(frames[n % 10])
        reader.join(30)
    numbers = [answer["frame"] for answer in answers]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == 149
    assert len(numbers) + answers[-1]["dropped"] == 150
    assert all("people" in answer for answer in answers)


def test_what_is_no_picture_is_said_and_the_stream_goes_on(start, picture):
    server = start(max_pixels=4000)
    with open_stream(server) as socket:
        assert ask(socket, b"junk")["problem"]["type"] == "/docs#not-a-picture"
        large = encode_picture(np.zeros((100, 100, 3), np.uint8), ".png")
        assert ask(socket, large)["problem"]["type"] == "/docs#too-many-pixels"
        assert len(ask(socket, picture)["people"]) == 1


def test_another_size_begins_anew(start, picture):
    server = start()
    with open_stream(server) as socket:
        ask(socket, picture)
        answer = ask(socket, encode_picture(np.zeros((30, 40, 3), np.uint8), ".png"))
    assert (answer["height"], answer["width"], answer["frame"]) == (30, 40, 1)


def test_a_frame_of_too_many_bytes_ends_the_stream(start):
    server = start(max_bytes=1000)
    with open_stream(server) as socket:
        socket.send(bytes(2000))
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=20)
    assert closed.value.rcvd.code == 1009


def test_streams_are_as_many_as_may(start):
    server = start(streams=1)
    with open_stream(server):
        with pytest.raises(InvalidStatus) as refused:
            open_stream(server)
        assert refused.value.response.status_code == 503
        assert b"--streams" in refused.value.response.body
    server.when(lambda: server.service.streams == 0)
    with open_stream(server) as socket:
        assert socket.subprotocol is None


@pytest.mark.parametrize(
    ("origin", "cors", "may"),
    [(None, (), True), ("http://127.0.0.1:{port}", (), True), ("https://evil.example", (), False),
     ("https://lab.example", ("https://lab.example",), True), ("https://evil.example", ("*",), True)],
)  # fmt: skip
def test_pages_of_other_origins_open_no_stream(start, origin, cors, may):
    server = start(cors=cors)
    origin = None if origin is None else origin.format(port=server.port)
    if may:
        with open_stream(server, origin=origin):
            return
    with pytest.raises(InvalidStatus) as refused:
        open_stream(server, origin=origin)
    assert refused.value.response.status_code == 403


def test_a_key_comes_by_header_or_by_subprotocol(start):
    server = start(keys=(KEY,))
    for options in ({}, {"subprotocols": ["nimblepose", "key.wrong"]}):
        with pytest.raises(InvalidStatus) as refused:
            open_stream(server, **options)
        assert refused.value.response.status_code == 401
    with open_stream(server, additional_headers={"X-API-Key": KEY}):
        pass
    with open_stream(server, subprotocols=["nimblepose", f"key.{KEY}"]) as socket:
        assert socket.subprotocol == "nimblepose", "the key is not sent back"


def test_a_stream_that_asks_for_what_is_not_there_does_not_begin(start):
    with pytest.raises(InvalidStatus) as refused:
        open_stream(start(), "?quality=super")
    assert refused.value.response.status_code == 400


def test_the_end_of_the_server_is_said(start, picture):
    server = start()
    with open_stream(server) as socket:
        ask(socket, picture)
        server.loop.call_soon_threadsafe(server.service.draining.set)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=20)
    assert closed.value.rcvd.code == 1001
