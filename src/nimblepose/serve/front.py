"""What every request passes: an id, the clock, a key, a line in the log; and what a failure looks like from outside."""

import hmac
import logging
import re
import secrets
import time
from collections.abc import MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nimblepose.core.errors import PoseError
from nimblepose.serve.metrics import ROUTES
from nimblepose.serve.problems import ClientGoneError, ProblemError
from nimblepose.serve.service import Service

_log = logging.getLogger("nimblepose.serve.requests")
_ID = re.compile(r"[A-Za-z0-9._~:/+=@-]{1,128}")
_LEFT = 499  # as others call a request whose client has left
_FREE = {"/healthz", "/readyz", "/v2/health/live", "/v2/health/ready", "/openapi.json", "/docs"}
_GUARDED = ("/v1/", "/v2", "/metrics")  # what begins so needs a key, but for what is free
KEY_PROTOCOL = "key."  # of a WebSocket: pages cannot give it headers


class Front:
    """The outermost layer."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        """Around all others."""
        self._app, self._service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and note what becomes of it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        begun, status, sent = time.perf_counter(), 0, 0
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _ID.fullmatch(given) else secrets.token_hex(8)
        state: MutableMapping[str, Any] = scope.setdefault("state", {})
        state["request_id"] = request_id

        async def send_on(message: Message) -> None:
            nonlocal status, sent
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                headers["X-Content-Type-Options"] = "nosniff"
                timing = {**state.get("timing", {}), "total": time.perf_counter() - begun}
                headers["Server-Timing"] = ", ".join(f"{name};dur={1000 * t:.1f}" for name, t in timing.items())
                headers.setdefault("Cache-Control", "no-store")
            elif message["type"] == "websocket.accept":
                status = 101
            sent += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, send_on)
        except ClientGoneError:
            status = _LEFT
        except Exception:
            _log.exception("request %s failed", request_id)
            if not status and scope["type"] == "http":
                problem = ProblemError("failed", f"the server failed; its log says why, at request {request_id}")
                await problem.to_response(request_id)(scope, receive, send_on)
            status = status or 500
        self._note(scope, status, time.perf_counter() - begun, sent)

    def _note(self, scope: Scope, status: int, seconds: float, sent: int) -> None:
        """One line, and the metrics; of a picture its size alone."""
        path, state = scope["path"], scope["state"]
        self._service.metrics.note_request(name_route(path), status, seconds)
        client = (scope.get("client") or ("-",))[0]
        facts = {
            "request": state["request_id"],
            "client": client,
            "method": scope.get("method", "WS"),
            "path": path,
            "status": status,
            "ms": round(1000 * seconds, 1),
            "in": state.get("received", 0),
            "out": sent,
            "people": state.get("people"),
        }
        _log.info("%(method)s %(path)s %(status)s in %(ms)s ms", facts, extra={"facts": facts})


def name_route(path: str) -> str:
    """The route that a path is counted under: as many as there are routes, whatever strangers ask for.

    >>> name_route("/v2/models/human/versions/1/infer"), name_route("/wp-login.php")
    ('/v2/infer', 'page')
    """
    if path in ROUTES:
        return path
    if path.startswith("/v2/"):
        return "/v2/infer" if path.endswith("/infer") else "/v2"
    return "page"


class Guard:
    """Asks for a key, where there is one."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        """Around what is guarded; what browsers ask before they ask (CORS) has passed already."""
        self._app, self._keys = app, [key.encode() for key in service.options.keys]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on that has a key, or needs none."""
        path = scope.get("path", "")
        if (
            scope["type"] not in ("http", "websocket")
            or not self._keys
            or path in _FREE
            or not path.startswith(_GUARDED)
            or self._knows(read_key(Headers(scope=scope)))
        ):
            await self._app(scope, receive, send)
            return
        problem = ProblemError(
            "wrong-key",
            "this server asks for a key: send Authorization: Bearer KEY, or X-API-Key: KEY",
            {"WWW-Authenticate": 'Bearer realm="nimblepose"'},
        )
        await refuse(problem, scope, receive, send)

    def _knows(self, key: str) -> bool:
        """Compared with all of them in a time that tells nothing about any."""
        given = key.encode("utf-8", "surrogateescape")
        right = [hmac.compare_digest(given, own) for own in self._keys]  # all of them, whichever it is
        return any(right)


def read_key(headers: Headers) -> str:
    """The key that a request brings, empty without."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and key.strip():
        return key.strip()
    offered = [one.strip() for one in headers.get("sec-websocket-protocol", "").split(",")]
    protocol = next((one.removeprefix(KEY_PROTOCOL) for one in offered if one.startswith(KEY_PROTOCOL)), "")
    return headers.get("x-api-key", "").strip() or protocol


async def refuse(problem: ProblemError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with a problem, also to who wants a WebSocket."""
    response = problem.to_response(scope["state"]["request_id"])
    if scope["type"] == "http":
        await response(scope, receive, send)
    elif "websocket.http.response" in scope.get("extensions", {}):
        await send({"type": "websocket.http.response.start", "status": problem.status, "headers": response.raw_headers})
        await send({"type": "websocket.http.response.body", "body": response.body})
    else:
        await send({"type": "websocket.close", "code": 1008})


async def answer_problem(request: Any, error: Exception) -> Any:
    """Starlette's handler of `ProblemError`, and of errors of the product that reach it."""
    if isinstance(error, ProblemError):
        problem = error
    elif isinstance(error, PoseError):
        problem = ProblemError("bad-request", str(error))
    else:
        status = getattr(error, "status_code", 404)
        kind = {405: "wrong-method", 404: "not-found"}.get(status, "bad-request")
        detail = f"{request.method} {request.url.path}: {getattr(error, 'detail', '')}; /docs lists what there is"
        problem = ProblemError(kind, detail, getattr(error, "headers", None))
    return problem.to_response(request.state.request_id)
