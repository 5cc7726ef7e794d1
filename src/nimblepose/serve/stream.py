"""`WS /v1/stream`: frames in, people with identities out, as fresh as can be: older frames give way to newer ones."""

import asyncio
import time
from typing import Any
from urllib.parse import urlsplit

from starlette.websockets import WebSocket, WebSocketDisconnect

from nimblepose.results.output_format import encode_json, round_seconds
from nimblepose.runtime import following
from nimblepose.runtime.estimator import PoseEstimator
from nimblepose.serve.asking import Asked, read_query
from nimblepose.serve.bodies import Upload, read_upload
from nimblepose.serve.front import refuse
from nimblepose.serve.problems import ProblemError
from nimblepose.serve.service import Service

PROTOCOL = "nimblepose"  # the subprotocol that is chosen if one is offered
_GOING_AWAY, _TOO_LARGE = 1001, 1009


class Follower:
    """Finds people in the frames of one stream and follows them; used by one thread at a time."""

    def __init__(self, estimator: PoseEstimator, max_pixels: int) -> None:
        """Nobody has been seen."""
        self._estimator, self._max_pixels = estimator, max_pixels
        self._people: following.Follower | None = None
        self._size: tuple[int, ...] = ()

    def follow(self, data: bytes, index: int, seconds: float) -> dict[str, Any]:
        """What is told about a frame.

        Raises:
            ProblemError: it is no picture, or too large.
        """
        picture = read_upload(Upload(f"frame {index}", data), self._max_pixels).picture
        if self._people is None or picture.shape != self._size:  # another picture altogether: identities begin anew
            self._people, self._size = following.Follower(self._estimator), picture.shape
        poses = self._people(picture, seconds)
        height, width = picture.shape[:2]
        return {
            "frame": index, "time": round_seconds(seconds), "height": height, "width": width, **poses.to_dict()
        }  # fmt: skip


class _Newest:
    """A place for one frame: a newer one takes it."""

    def __init__(self) -> None:
        self.received, self.dropped, self.ended = 0, 0, False
        self._frame: tuple[bytes, int, float] | None = None
        self._changed = asyncio.Event()
        self._first = 0.0

    def put(self, data: bytes) -> bool:
        """Has it replaced one that nobody took?"""
        now = time.perf_counter()  # fine enough for times to grow from frame to frame on every system
        self._first = self._first or now
        lost = self._frame is not None
        self.dropped += lost
        self._frame = data, self.received, now - self._first
        self.received += 1
        self._changed.set()
        return lost

    def end(self) -> None:
        self.ended = True
        self._changed.set()

    async def take(self) -> tuple[bytes, int, float] | None:
        """The newest; None at the end."""
        while self._frame is None:
            if self.ended:
                return None
            self._changed.clear()
            await self._changed.wait()
        frame, self._frame = self._frame, None
        return frame


async def answer_stream(socket: WebSocket) -> None:
    """One stream, from its first frame to its end."""
    service: Service = socket.app.state.service
    try:
        asked = _admit(socket, service)
    except ProblemError as problem:
        await refuse(problem, socket.scope, socket.receive, socket.send)
        return
    offered = socket.scope.get("subprotocols", [])
    service.streams += 1
    try:
        await socket.accept(PROTOCOL if PROTOCOL in offered else None)
        newest = _Newest()
        reader = asyncio.ensure_future(_receive(socket, service, newest))
        ending = asyncio.ensure_future(service.draining.wait())
        ending.add_done_callback(lambda _: newest.end())
        try:
            await _answer(socket, service, newest, asked)
            if service.draining.is_set():
                await socket.close(_GOING_AWAY, "the server is about to end")
        except (WebSocketDisconnect, RuntimeError):  # it has left; Starlette says so in either way
            pass
        finally:
            for task in (reader, ending):
                task.cancel()
            await asyncio.gather(reader, ending, return_exceptions=True)
    finally:
        service.streams -= 1


def _admit(socket: WebSocket, service: Service) -> Asked:
    """What a stream asks for.

    Raises:
        ProblemError: it may not begin.
    """
    origin = socket.headers.get("origin")
    cors = service.options.cors
    if origin is not None and not {"*", origin} & set(cors) and urlsplit(origin).netloc != socket.headers.get("host"):
        # browsers let any page open any WebSocket
        raise ProblemError("wrong-origin", f"pages of {origin} may not open a stream here; allow them with --cors")
    asked = read_query(socket.query_params, ("min_score", "quality"))
    service.check_open()
    if service.streams >= service.options.streams:
        raise ProblemError(
            "too-many-streams",
            f"{service.streams} streams are open, as many as may; close one, or raise --streams",
            {"Retry-After": "5"},
        )
    return asked


async def _receive(socket: WebSocket, service: Service, newest: _Newest) -> None:
    """Take frames as they come, however long answers take."""
    try:
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            data = message.get("bytes") or (message.get("text") or "").encode()
            lost = newest.put(data)
            service.metrics.add("nimblepose_stream_frames_total")
            service.metrics.add("nimblepose_stream_dropped_frames_total", lost)
    finally:
        newest.end()


async def _answer(socket: WebSocket, service: Service, newest: _Newest, asked: Asked) -> None:
    """One frame after the other, the newest there is."""
    estimator = service.choose_estimator(asked.quality, asked.min_score)
    follower = Follower(estimator.for_frames(), service.options.max_pixels)
    people = 0
    try:
        while (taken := await newest.take()) is not None and not service.draining.is_set():
            data, index, seconds = taken
            try:
                if len(data) > service.options.max_bytes:
                    await socket.close(_TOO_LARGE, f"a frame has at most {service.options.max_bytes} bytes")
                    return
                done = await service.compute(lambda: follower.follow(data, index, seconds))  # noqa: B023 - awaited
            except ProblemError as problem:
                if problem.kind == "queue-full":  # other requests go first; this frame is gone
                    newest.dropped += 1
                    service.metrics.add("nimblepose_stream_dropped_frames_total")
                    await asyncio.sleep(0.05)
                    continue
                answer: dict[str, Any] = {"frame": index, "dropped": newest.dropped, "problem": problem.to_dict()}
            else:
                people += len(done.value["people"])
                service.metrics.add("nimblepose_pictures_total")
                service.metrics.add("nimblepose_people_total", len(done.value["people"]))
                answer = {**done.value, "dropped": newest.dropped}
            await socket.send_text(encode_json(answer).decode())
    finally:
        socket.state.people = people
