"""What a client is told when it gets no answer: problem details (RFC 9457) that name the thing and the remedy."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from nimblepose.core.text import make_printable
from nimblepose.results.output_format import encode_json

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class Kind:
    """A kind of problem, as /docs lists them."""

    status: int
    title: str


KINDS: dict[str, Kind] = {
    "bad-request": Kind(400, "The request cannot be understood"),
    "wrong-key": Kind(401, "A key is needed"),
    "wrong-origin": Kind(403, "Pages of this origin may not ask"),
    "not-found": Kind(404, "There is nothing at this address"),
    "wrong-method": Kind(405, "Not by this method"),
    "not-acceptable": Kind(406, "The answer cannot have this form"),
    "body-too-slow": Kind(408, "The body did not arrive in time"),
    "too-large": Kind(413, "Too many bytes"),
    "too-many-pixels": Kind(413, "Too many pixels"),
    "wrong-type": Kind(415, "Not a kind of body that is read here"),
    "not-a-picture": Kind(422, "Not a picture that can be read"),
    "failed": Kind(500, "The server failed"),
    "queue-full": Kind(503, "As many requests wait as may"),
    "loading": Kind(503, "The model is being loaded"),
    "draining": Kind(503, "The server is about to end"),
    "too-many-streams": Kind(503, "As many streams are open as may"),
    "too-slow": Kind(504, "The answer was not ready in time"),
}


class ProblemError(Exception):
    """A request that gets no answer; raised wherever that turns out."""

    def __init__(self, kind: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        """One of `KINDS`, what it is about and what to do, and headers that go with it, such as Retry-After."""
        super().__init__(detail)
        self.kind, self.headers = kind, dict(headers or {})
        self.detail = make_printable(detail)
        self.status = KINDS[kind].status

    def to_dict(self) -> dict[str, Any]:
        """As RFC 9457 has it; `error` beside its own keys is what clients of KServe V2 read."""
        return {
            "type": f"/docs#{self.kind}",
            "title": KINDS[self.kind].title,
            "status": self.status,
            "detail": self.detail,
            "error": self.detail,
        }

    def to_response(self, request_id: str | None = None) -> Response:
        """The answer."""
        problem = self.to_dict()
        if request_id is not None:
            problem["request_id"] = request_id
        return Response(encode_json(problem), self.status, self.headers, MEDIA_TYPE)


class ClientGoneError(Exception):
    """Nobody is there any more to answer."""
