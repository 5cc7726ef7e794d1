"""Fixtures shared by all tests."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference material beside a developer's checkout; tests that need it are skipped without it."""
    if not (SHARED / "golden").is_dir():
        pytest.skip("reference material (../shared) is not beside this checkout")
    return SHARED


class WebServer:
    """A local HTTP server; `pages` maps a path to bytes or to a function that is given the request handler."""

    def __init__(self):
        self.pages = {}
        self.requests = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.requests.append(self.path)
                page = outer.pages.get(self.path)
                if page is None:
                    self.send_error(404)
                elif callable(page):
                    page(self)
                else:
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(page)))
                    self.end_headers()
                    self.wfile.write(page)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def web_server(monkeypatch):
    """A web server of our own on this machine, stopped after the test; proxies are left aside."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = WebServer()
    yield server
    server.close()
