"""Whatever is sent, the server answers in time, says what is wrong and what to do, and goes on."""

import contextlib
import socket
import struct
import threading
import time
import zlib

import numpy as np
import pytest
from form_bodies import form
from heic_file import HEIC

from nimblepose.media.encoding import encode_picture


def ask_in_background(server, count, picture):
    answers, threads = [], []
    for _ in range(count):
        thread = threading.Thread(target=lambda: answers.append(server.post(picture)))
        thread.start()
        threads.append(thread)
    return answers, threads


def test_one_too_many_is_told_when_to_come_again(start, picture):
    server = start(queue=2)
    server.estimator.may_go.clear()
    answers, threads = ask_in_background(server, 3, picture)
    server.when(lambda: (server.service.workers.busy, server.service.workers.waiting) == (1, 2))
    refused = server.post(picture)
    assert refused.status == 503
    assert refused.headers["content-type"] == "application/problem+json"
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.json["type"] == "/docs#queue-full"
    assert "--queue" in refused.json["detail"]
    assert "nimblepose_queue 2\n" in server.ask("GET", "/metrics").body.decode()
    server.estimator.may_go.set()
    for thread in threads:
        thread.join()
    assert [answer.status for answer in answers] == [200] * 3
    assert server.post(picture).status == 200


def test_who_leaves_is_not_worked_for(start, picture):
    server = start(queue=2)
    server.estimator.may_go.clear()
    _, (thread,) = ask_in_background(server, 1, picture)
    server.when(lambda: len(server.estimator.seen) > 1)  # the first was that of loading
    seen = len(server.estimator.seen)
    with contextlib.closing(socket.create_connection(("127.0.0.1", server.port))) as leaving:
        leaving.sendall(b"POST /v1/poses HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(picture) + picture)
        server.when(lambda: server.service.workers.waiting == 1)
    server.when(lambda: server.service.workers.waiting == 0)
    server.estimator.may_go.set()
    thread.join()
    assert len(server.estimator.seen) == seen, "nobody looked at the picture of who has left"
    assert 'status="499"} 1' in server.ask("GET", "/metrics").body.decode()


def test_a_body_that_never_ends_is_given_up(start, picture):
    server = start(body_timeout=0.3)
    with contextlib.closing(socket.create_connection(("127.0.0.1", server.port))) as slow:
        slow.settimeout(20)
        slow.sendall(b"POST /v1/poses HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc")
        answer = b""
        while piece := slow.recv(1000):  # until the connection is closed
            answer += piece
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"--body-timeout" in answer
    assert server.post(picture).status == 200
    assert server.service._held == 0


def test_a_client_that_leaves_in_the_middle_of_its_body_leaves_nothing(start):
    server = start()
    with contextlib.closing(socket.create_connection(("127.0.0.1", server.port))) as leaving:
        leaving.sendall(b"POST /v1/poses HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc")
        server.when(lambda: server.service._held == 3)
    server.when(lambda: server.service._held == 0)


def test_an_answer_that_takes_too_long_is_given_up(start, picture):
    server = start(timeout=0.2)
    server.estimator.may_go.clear()
    answer = server.post(picture)
    assert (answer.status, answer.json["type"]) == (504, "/docs#too-slow")
    server.estimator.may_go.set()


@pytest.mark.parametrize("declared", [True, False])
def test_too_many_bytes_are_not_read(start, declared):
    server = start(max_bytes=1000)
    with contextlib.closing(socket.create_connection(("127.0.0.1", server.port))) as sending:
        sending.settimeout(20)
        length = b"Content-Length: 5000000" if declared else b"Transfer-Encoding: chunked"
        sending.sendall(b"POST /v1/poses HTTP/1.1\r\nHost: x\r\n" + length + b"\r\n\r\n")
        with contextlib.suppress(OSError):
            if not declared:
                sending.sendall((b"%x\r\n" % 2000 + bytes(2000) + b"\r\n") * 2)
        assert sending.recv(10_000).startswith(b"HTTP/1.1 413 ")


def test_bodies_together_take_no_more_than_was_agreed(start):
    server = start(queue=0, max_bytes=1000)
    head = b"POST /v1/poses HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
    with contextlib.closing(socket.create_connection(("127.0.0.1", server.port))) as first:
        first.sendall(head + bytes(900))
        server.when(lambda: server.service._held == 900)
        answer = server.post(bytes(200))
        assert (answer.status, answer.json["type"]) == (503, "/docs#queue-full")
    server.when(lambda: server.service._held == 0)


def bomb(width, height):
    """A PNG of few bytes that declares many pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(1 << 20), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_a_decompression_bomb_is_refused_before_it_is_decoded(model_server):
    begun = time.process_time()
    answer = model_server.post(bomb(60_000, 60_000))
    assert time.process_time() - begun < 2
    assert (answer.status, answer.json["type"]) == (413, "/docs#too-many-pixels")
    assert "60000 x 60000" in answer.json["detail"]
    assert "--max-pixels" in answer.json["detail"]


def test_damaged_is_not_too_large_and_too_large_is_not_damaged(start):
    """What a file declares is told of where it is the reason, of every kind of file, and nowhere else."""
    server = start(max_pixels=2000)
    noise = np.random.default_rng(0).integers(0, 256, (80, 100, 3), np.uint8)
    jpeg = encode_picture(noise, ".jpg")  # larger, which is read reduced
    assert server.post(jpeg).status == 200
    answer = server.post(jpeg[: len(jpeg) // 2])
    assert (answer.status, answer.json["type"]) == (422, "/docs#not-a-picture")
    assert answer.json["detail"].startswith("the body is damaged or truncated")
    answer = server.post(encode_picture(noise, ".png"))
    assert (answer.status, answer.json["type"]) == (413, "/docs#too-many-pixels")
    pytest.importorskip("pi_heif")
    answer = server.post(HEIC)
    assert (answer.status, answer.json["type"]) == (413, "/docs#too-many-pixels")
    assert "48 x 64" in answer.json["detail"]
    assert "--max-pixels" in answer.json["detail"]


PART = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n\r\n%s\r\n'
END = b"--edge--\r\n"
OF_FORM = {"Content_Type": "multipart/form-data; boundary=edge"}


@pytest.mark.parametrize(
    ("body", "headers", "status", "names"),
    [
        (b"", {}, 400, "no picture"),
        (b"hello", {}, 422, "the body is not a picture that we can read (JPEG"),
        (b"hello", {}, 422, "convert it to PNG or JPEG"),
        (b"\xff\xd8\xff\xe0" + bytes(100), {}, 422, "the body is "),
        (PART % (b"a.jpg", b"hello") + END, OF_FORM, 422, "a.jpg is not a picture that we can read"),
        (PART % (b"a.jpg", b"") + PART % (b"b.jpg", b"x") + END, OF_FORM, 422, "a.jpg is empty (0 bytes); send it"),
        (b"{}", {"Content_Type": "application/json"}, 415, "multipart/form-data"),
        (b"--wrong", {"Content_Type": "multipart/form-data; boundary=edge"}, 400, "form is broken"),
        (b"--edge--\r\n", {"Content_Type": "multipart/form-data; boundary=edge"}, 400, "no picture"),
        (b"x", {"Content_Type": "multipart/form-data"}, 400, "form"),
        (b"x", {"Content_Type": "multipart/form-data; boundary=" + "b" * 300}, 400, "form"),
        (b"x", {"Accept": "audio/ogg"}, 406, "image/jpeg"),
    ],
)
def test_junk_is_told_what_is_wrong_and_what_to_do(start, body, headers, status, names):
    server = start()
    answer = server.post(body, **headers)
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert names in answer.json["detail"]
    assert answer.json["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("query", "names"),
    [("min_scor=0.5", "min_score"), ("format=xml", "openpose"), ("format=", "openpose"), ("quality=super", "balanced"),
     ("min_score=2", "min_score"), ("min_score=nan", "min_score")],
)  # fmt: skip
def test_a_misspelt_word_is_no_surprise(start, picture, query, names):
    answer = start().post(picture, f"/v1/poses?{query}")
    assert answer.status == 400
    assert names in answer.json["detail"]


def test_several_pictures_are_not_drawn_and_not_too_many(start, picture):
    server = start()
    body, kind = form(("a.png", picture), ("b.png", picture))
    assert server.post(body, Content_Type=kind, Accept="image/jpeg").status == 406
    body, kind = form(*[("a.png", picture)] * 65)
    assert server.post(body, Content_Type=kind).status == 413
    body, kind = form(("a.png", picture), ("b.png", b"junk"))
    answer = server.post(body, Content_Type=kind)
    assert answer.status == 422
    assert "b.png" in answer.json["detail"]
    body, kind = form(*[("a.png", picture)] * 40)  # more than may wait: they wait their turn
    assert len(server.post(body, Content_Type=kind).json["pictures"]) == 40


def test_wrong_methods_and_addresses(start):
    server = start()
    assert server.ask("GET", "/v1/poses").status == 405
    answer = server.ask("GET", "/v1/pose")
    assert (answer.status, answer.json["type"]) == (404, "/docs#not-found")


def test_a_failure_of_ours_names_no_secrets_and_the_next_request_is_answered(start, picture):
    server = start()
    server.estimator.error = RuntimeError("/secret/path")
    answer = server.post(picture)
    assert (answer.status, answer.json["type"]) == (500, "/docs#failed")
    assert b"secret" not in answer.body
    server.estimator.error = None
    assert server.post(picture).status == 200
