"""Fetching keeps to its limits, speaks http(s) only, and gives no secrets away."""

import socket
import threading

import pytest

from nimblepose.core.errors import DownloadError, MediaError
from nimblepose.core.web import download, fetch_picture


def redirect(to):
    def answer(request):
        request.send_response(302)
        request.send_header("Location", to)
        request.end_headers()

    return answer


def short(declared, sent):
    def answer(request):
        request.send_response(200)
        request.send_header("Content-Length", str(declared))
        request.end_headers()
        request.wfile.write(b"x" * sent)

    return answer


def endless(request):
    request.send_response(200)
    request.end_headers()
    try:
        while True:
            request.wfile.write(b"x" * 1000)
    except OSError:
        pass


def drip(request):
    request.send_response(200)
    request.end_headers()
    try:
        while True:
            request.wfile.write(b"x")
            request.wfile.flush()
            request.server.slow.wait(0.02)
    except OSError:
        pass


def test_bytes_arrive_whole_in_pieces_and_over_redirects(web_server):
    content = bytes(range(256)) * 1000
    web_server.pages |= {"/a.png": content, "/moved": redirect("/a.png")}
    assert fetch_picture(f"{web_server.address}/a.png") == content
    assert fetch_picture(f"{web_server.address}/moved") == content
    pieces = list(download(f"{web_server.address}/a.png", max_bytes=len(content)))
    assert len(pieces) > 1
    assert b"".join(pieces) == content


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://127.0.0.1/a.png", "data:,x", "a.png"])
def test_only_http_is_spoken(address, web_server):
    with pytest.raises(MediaError, match="only http"):
        fetch_picture(address)
    web_server.pages["/trap"] = redirect(address)
    if ":" in address:
        with pytest.raises(MediaError):
            fetch_picture(f"{web_server.address}/trap")


def test_a_missing_page_names_address_and_code(web_server):
    with pytest.raises(MediaError, match=r"127.0.0.1:\d+/nothing\.jpg.*404"):
        fetch_picture(f"{web_server.address}/nothing.jpg")


def test_nobody_there():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(MediaError, match="cannot fetch"):
        fetch_picture(f"http://127.0.0.1:{port}/a.jpg", timeout=5)


def test_incomplete_answers_are_refused(web_server):
    web_server.pages["/half.jpg"] = short(1000, 400)
    with pytest.raises(MediaError, match="400 of 1000"):
        fetch_picture(f"{web_server.address}/half.jpg")


def test_the_size_limit_holds_whatever_is_declared(web_server):
    web_server.pages["/endless"] = endless
    with pytest.raises(DownloadError, match="larger"):
        list(download(f"{web_server.address}/endless", max_bytes=10_000))


def test_the_time_limit_holds_for_the_whole_transfer(web_server):
    web_server.server.slow = threading.Event()
    web_server.pages["/drip"] = drip
    with pytest.raises(MediaError, match=r"within 0\.1 s"):
        fetch_picture(f"{web_server.address}/drip", timeout=0.1)


def test_secrets_in_an_address_stay_out_of_messages(web_server):
    host = web_server.address.removeprefix("http://")
    with pytest.raises(MediaError) as caught:
        fetch_picture(f"http://user:hunter2@{host}/a.jpg?token=abc")
    assert "hunter2" not in str(caught.value)
    assert "abc" not in str(caught.value)
