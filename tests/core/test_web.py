"""Fetching keeps to its limits, speaks http(s) only, and gives no secrets away."""

import base64
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
    with pytest.raises(MediaError, match=r"cannot fetch http[^()]*: Connection refused$"):  # no class, no brackets
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


def drip_headers(request):
    """Never comes to the end of them."""
    try:
        request.wfile.write(b"HTTP/1.0 200 OK\r\n")
        while True:
            request.wfile.write(b"X-More: and more\r\n")
            request.wfile.flush()
            request.server.slow.wait(0.02)
    except OSError:
        pass


def test_headers_that_dribble_have_as_long_as_the_answer(web_server):
    web_server.server.slow = threading.Event()
    web_server.pages |= {"/drip": drip_headers, "/moved": redirect("/drip")}
    for page in ("/drip", "/moved"):
        with pytest.raises(MediaError, match=r"did not answer within 0\.3 s"):
            fetch_picture(web_server.address + page, timeout=0.3)
        with pytest.raises(DownloadError, match=r"did not answer within 0\.3 s"):
            list(download(web_server.address + page, max_bytes=100, timeout=0.3))


def test_an_answer_in_time_may_take_longer_to_arrive(web_server):
    def slow(request):
        request.send_response(200)
        request.end_headers()
        for _ in range(4):
            request.wfile.flush()
            held.wait(0.15)
            request.wfile.write(b"x")

    held = threading.Event()
    web_server.pages["/slow"] = slow
    assert b"".join(download(f"{web_server.address}/slow", max_bytes=10, timeout=0.3)) == b"xxxx"


def guarded(kind, *, to=None):
    """A page for who knows the password of `me`, with a colon and an @ in it."""

    def answer(request):
        given = request.headers.get("Authorization", "")
        seen.append(given)
        right = "Basic " + base64.b64encode(b"me:p:w@d").decode()
        if (kind == "Basic" and given == right) or (kind == "Digest" and 'username="me"' in given):
            request.send_response(302 if to else 200)
            if to:
                request.send_header("Location", to)
            request.end_headers()
            request.wfile.write(b"secret")
        else:
            request.send_response(401)
            how = (
                'Digest realm="cam", nonce="1", qop="auth", algorithm=MD5' if kind == "Digest" else 'Basic realm="cam"'
            )
            request.send_header("WWW-Authenticate", how)
            request.end_headers()

    seen = []
    answer.seen = seen
    return answer


@pytest.mark.parametrize("kind", ["Basic", "Digest"])
def test_a_password_in_an_address_is_given_to_who_asks_and_printed_nowhere(web_server, kind):
    web_server.pages |= {"/a": guarded(kind), "/open": b"open"}
    host = web_server.address.removeprefix("http://")
    assert fetch_picture(f"http://me:p%3Aw%40d@{host}/a") == b"secret"
    assert fetch_picture(f"http://me:p%3Aw%40d@{host}/open") == b"open"
    with pytest.raises(MediaError, match=r"answered 401 Unauthorized; write https://user:password@host") as caught:
        fetch_picture(f"http://you:wrongsecret@{host}/a" if kind == "Basic" else f"http://{host}/a")
    assert "wrongsecret" not in str(caught.value)


def test_a_password_is_not_for_those_that_one_is_sent_on_to(web_server):
    other = guarded("Basic")
    web_server.pages["/other"] = other
    elsewhere = web_server.address.replace("127.0.0.1", "localhost")
    web_server.pages["/a"] = guarded("Basic", to=f"{elsewhere}/other")
    host = web_server.address.removeprefix("http://")
    with pytest.raises(MediaError, match="401"):
        fetch_picture(f"http://me:p%3Aw%40d@{host}/a")
    assert other.seen == [""]
