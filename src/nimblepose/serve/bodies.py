"""What a request brings: its bytes within limits of size and time, and the pictures in them."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from io import BytesIO

from python_multipart.multipart import MultipartParser
from starlette.requests import ClientDisconnect, Request

from nimblepose.core.errors import MediaError, TooManyPixelsError
from nimblepose.core.reduction import Reduced
from nimblepose.media.pictures import read_reduced
from nimblepose.serve.options import ServeOptions
from nimblepose.serve.problems import ClientGoneError, ProblemError

_MOST_PICTURES = 64  # in one request
_UNNAMED = "picture"  # what answers call a file that has no name


@dataclass(frozen=True)
class Upload:
    """A file as it came."""

    name: str
    data: bytes


async def read_body(request: Request, options: ServeOptions, hold: Callable[[int], None]) -> bytes:
    """All of a request's body.

    Args:
        request: Whose headers have been read.
        options: `max_bytes` and `body_timeout` are used.
        hold: Told of every piece.

    Raises:
        ProblemError: too large, or not there in time.
        ClientGoneError: the client left before its end.
    """
    most, close = options.max_bytes, {"Connection": "close"}  # what is left of the body is not read
    declared = request.headers.get("content-length", "")
    too_large = ProblemError(
        "too-large", f"the body has more than {most} bytes; send smaller pictures, or raise --max-bytes", close
    )
    if declared.isdecimal() and int(declared) > most:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(options.body_timeout):
            async for piece in request.stream():
                hold(len(piece))
                body += piece
                if len(body) > most:
                    raise too_large
    except TimeoutError as error:
        raise ProblemError(
            "body-too-slow",
            f"{len(body)} bytes came within {options.body_timeout:g} s, and not the end; send it faster, or raise "
            "--body-timeout",
            close,
        ) from error
    except ClientDisconnect as error:
        raise ClientGoneError from error
    return bytes(body)


def list_uploads(data: bytes, content_type: str) -> list[Upload]:
    """The pictures in a body: its bytes are one, or it is a form with one or several.

    Raises:
        ProblemError: none, too many, another kind of body, or a broken one.
    """
    header = Message()
    header["Content-Type"] = content_type or "application/octet-stream"
    kind = header.get_content_type()
    if kind == "multipart/form-data":
        uploads = _split_form(data, str(header.get_param("boundary", "")))
    elif kind.startswith("image/") or kind in ("application/octet-stream", "application/x-www-form-urlencoded"):
        uploads = [Upload(_UNNAMED, data)]  # curl --data-binary says x-www-form-urlencoded unless it is told
    else:
        raise ProblemError(
            "wrong-type", f"{kind} is not read here; send the bytes of a picture, or a form (multipart/form-data)"
        )
    if not any(upload.data for upload in uploads):
        raise ProblemError("bad-request", "the body holds no picture; send its bytes, or a form with files")
    if len(uploads) > _MOST_PICTURES:
        raise ProblemError(
            "too-large", f"{len(uploads)} pictures are more than the {_MOST_PICTURES} of one request; send several"
        )
    return uploads


def _split_form(data: bytes, boundary: str) -> list[Upload]:
    """Files of a form, in order; its other fields are left aside."""
    uploads: list[Upload] = []
    part, field, value = bytearray(), bytearray(), bytearray()
    headers: dict[str, str] = {}

    def end_header() -> None:
        headers[field.decode("latin-1").lower()] = value.decode("utf-8", "replace")
        field.clear()
        value.clear()

    def end_part() -> None:
        disposition = Message()
        disposition["Content-Disposition"] = headers.get("content-disposition", "")
        name = disposition.get_filename()
        if name is not None:
            uploads.append(Upload(name.replace("\\", "/").rpartition("/")[2] or _UNNAMED, bytes(part)))
        part.clear()
        headers.clear()

    try:
        parser = MultipartParser(
            boundary.encode("latin-1", "replace") or b"-",
            {
                "on_part_data": lambda d, start, end: part.extend(d[start:end]),
                "on_part_end": end_part,
                "on_header_field": lambda d, start, end: field.extend(d[start:end]),
                "on_header_value": lambda d, start, end: value.extend(d[start:end]),
                "on_header_end": end_header,
            },
        )
        parser.write(data)
        parser.finalize()
    except ValueError as error:
        raise ProblemError("bad-request", f"the form is broken: {error}; send it again") from error
    return uploads


def read_upload(upload: Upload, max_pixels: int) -> Reduced:
    """A picture as the estimator takes it; larger JPEGs are reduced.

    Raises:
        ProblemError: too large, damaged, or no picture.
    """
    file = _Named(upload)
    if not upload.data:
        raise ProblemError("not-a-picture", f"{file.name} is empty (0 bytes); send it again")
    try:
        return read_reduced(file, max_pixels=max_pixels)
    except TooManyPixelsError as error:
        raise ProblemError("too-many-pixels", str(error)) from error
    except MediaError as error:
        raise ProblemError("not-a-picture", str(error)) from error


class _Named(BytesIO):
    """A file, so that messages call it by its name."""

    def __init__(self, upload: Upload) -> None:
        super().__init__(upload.data)
        self.name = "the body" if upload.name == _UNNAMED else upload.name
