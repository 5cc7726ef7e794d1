"""`POST /v1/poses`: pictures in, poses out, or the picture with everybody drawn."""

import asyncio
import time
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from nimblepose.core.geometry import Size
from nimblepose.core.poses import Poses
from nimblepose.core.reduction import enlarge
from nimblepose.drawing.people import draw_poses
from nimblepose.media.encoding import encode_picture
from nimblepose.results.output_format import Header, PictureResult, to_text
from nimblepose.runtime.estimator import PoseEstimator
from nimblepose.serve.answers import make_answer
from nimblepose.serve.asking import Asked, read_query
from nimblepose.serve.bodies import Upload, list_uploads, read_body, read_upload
from nimblepose.serve.problems import ProblemError
from nimblepose.serve.service import Service
from nimblepose.serve.workers import Done

_DRAWN = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp"}


@dataclass(frozen=True)
class Found:
    """Who is in a picture."""

    size: Size  # of the file's picture
    poses: Poses  # in its pixels
    drawn: bytes | None = None  # the picture with everybody drawn, if it was asked for


async def answer_poses(request: Request) -> Response:
    """Find everybody in the pictures of a request."""
    service: Service = request.app.state.service
    asked = read_query(request.query_params, ("format", "min_score", "quality"))
    drawn = choose_drawn(request.headers.get("accept", ""))
    service.check_open()
    begun = time.perf_counter()
    async with service.holding() as hold:
        body = await read_body(request, service.options, hold)
        uploads = list_uploads(body, request.headers.get("content-type", ""))
        if drawn is not None and len(uploads) > 1:
            raise ProblemError("not-acceptable", "drawn is one picture at a time; send one, or accept application/json")
        request.state.received, read = len(body), time.perf_counter() - begun
        del body
        found = await service.answer_in_time(request.receive, _find_all(service, uploads, asked, drawn))
    people = sum(len(done.value.poses) for done in found)
    request.state.people = people
    service.metrics.add("nimblepose_pictures_total", len(found))
    service.metrics.add("nimblepose_people_total", people)
    request.state.timing = {
        "read": read,
        "queue": max(done.waited for done in found),
        "find": sum(done.took for done in found),
    }
    if drawn is not None:
        return Response(found[0].value.drawn, media_type=drawn)
    results = [
        PictureResult(to_text(upload.name), done.value.size, done.value.poses, number)
        for number, (upload, done) in enumerate(zip(uploads, found, strict=True), start=1)
    ]
    header = Header(model=service.name, skeletons=(service.estimator.skeleton,))
    return make_answer(results, asked.formats, header)


def choose_drawn(accept: str) -> str | None:
    """The kind of picture that an Accept header asks for before anything else; None: poses are wanted.

    >>> choose_drawn("image/jpeg, application/json;q=0.5"), choose_drawn("*/*")
    ('image/jpeg', None)

    Raises:
        ProblemError: nothing that can be given.
    """
    wanted: list[tuple[float, str]] = []
    for one in accept.split(","):
        kind, *parameters = (part.strip().lower() for part in one.split(";"))
        weight = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        if kind and weight.replace(".", "", 1).isdecimal() and float(weight) > 0:
            wanted.append((float(weight), kind))
    if not wanted:
        return None
    for _, kind in sorted(wanted, key=lambda one: -one[0]):
        if kind in _DRAWN:
            return kind
        if kind in ("*/*", "application/*", "application/json", "text/csv", "text/*"):
            return None
        if kind == "image/*":
            return "image/jpeg"
    raise ProblemError(
        "not-acceptable", f"Accept: {accept!r} names nothing that is made here: application/json, {', '.join(_DRAWN)}"
    )


async def _find_all(service: Service, uploads: list[Upload], asked: Asked, drawn: str | None) -> list[Done[Found]]:
    """Everybody in every picture, as many at a time as there are threads; the first that fails ends it."""
    estimator = service.choose_estimator(asked.quality, asked.min_score)
    places = asyncio.Semaphore(service.workers.threads)
    max_pixels = service.options.max_pixels

    async def find_one(upload: Upload) -> Done[Found]:
        async with places:
            return await service.compute(lambda: find(estimator, upload, max_pixels, drawn))

    tasks = [asyncio.ensure_future(find_one(upload)) for upload in uploads]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def find(estimator: PoseEstimator, upload: Upload, max_pixels: int, drawn: str | None = None) -> Found:
    """What a thread does with a picture."""
    picture, size, reduction = read_upload(upload, max_pixels)
    poses = estimator.estimate(picture)
    encoded = None if drawn is None else encode_picture(draw_poses(picture, poses), _DRAWN[drawn])
    return Found(size, enlarge(poses, reduction), encoded)
