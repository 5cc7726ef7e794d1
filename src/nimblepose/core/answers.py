"""A server has so long to answer, however it dribbles: what urllib cannot promise."""

import http.client
import socket
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any


class AnswerWatch:
    """Cuts the connections of one request when their time is over: whoever reads from them gets an error then."""

    def __init__(self) -> None:
        """Nothing is connected yet."""
        self.is_over = False
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()

    @property
    def handlers(self) -> list[urllib.request.BaseHandler]:
        """For an `OpenerDirector`."""
        watch = self

        class Http(urllib.request.HTTPHandler):
            def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
                return self.do_open(watch._connect(http.client.HTTPConnection), request)

        class Https(urllib.request.HTTPSHandler):
            def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
                return self.do_open(watch._connect(http.client.HTTPSConnection), request)

        return [Http(), Https()]

    @contextmanager
    def for_seconds(self, timeout: float) -> Iterator[None]:
        """What is done inside has so long."""
        timer = threading.Timer(timeout, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            with self._lock:
                while self._sockets:
                    self._sockets.pop().close()

    def _connect(self, kind: type[http.client.HTTPConnection]) -> Any:
        """What makes connections whose sockets are known, before proxies and encryption have had their say."""

        def make(*args: Any, **options: Any) -> http.client.HTTPConnection:
            connection: Any = kind(*args, **options)
            connect = connection._create_connection

            def remember(*where: Any, **how: Any) -> socket.socket:
                connected: socket.socket = connect(*where, **how)
                with self._lock:
                    self._sockets.append(connected.dup())  # encryption takes the first away
                return connected

            connection._create_connection = remember
            made: http.client.HTTPConnection = connection
            return made

        return make

    def _cut(self) -> None:
        with self._lock:
            self.is_over = True
            for connected in self._sockets:
                with suppress(OSError):  # closed already
                    connected.shutdown(socket.SHUT_RDWR)
