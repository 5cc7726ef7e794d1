"""`/v2`: the open inference protocol of KServe, version 2, so that clients of other servers work with this one.

https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol and its extension for binary tensors.
What clients need beside its letter (seen with tritonclient 2.73): paths with a version, bodies without a Content-Type,
the key `error` in errors, null for NaN (a JSON document has no NaN), and a length of the header that counts bytes
before compression.
"""

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

import nimblepose
from nimblepose.core.poses import Poses
from nimblepose.core.reduction import enlarge
from nimblepose.results.output_format import encode_json
from nimblepose.runtime.estimator import PoseEstimator
from nimblepose.serve.asking import check_quality, check_score
from nimblepose.serve.bodies import Upload, read_body, read_upload
from nimblepose.serve.problems import ProblemError
from nimblepose.serve.service import Service
from nimblepose.serve.tensors import HEADER_LENGTH, read_tensors, write_tensors

VERSION = "1"
_INPUTS = ("image", "file")
_ENCODINGS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


async def answer_server(request: Request) -> Response:
    """Who this is."""
    return JSONResponse({"name": "nimblepose", "version": nimblepose.__version__, "extensions": ["binary_tensor_data"]})


async def answer_live(request: Request) -> Response:
    """It is."""
    return JSONResponse({"live": True})


async def answer_ready(request: Request) -> Response:
    """Whether requests may come."""
    service: Service = request.app.state.service
    if "model" in request.path_params:
        _check_model(request, service)
    service.check_open()
    return JSONResponse({"ready": True})


async def answer_metadata(request: Request) -> Response:
    """What goes in and what comes out."""
    service: Service = request.app.state.service
    _check_model(request, service)
    keypoints = len(service.estimator.skeleton.keypoints)
    return JSONResponse(
        {
            "name": service.name,
            "versions": [VERSION],
            "platform": "nimblepose",
            "inputs": [
                {"name": "image", "datatype": "UINT8", "shape": [-1, -1, 3]},
                {"name": "file", "datatype": "BYTES", "shape": [1]},
            ],
            "outputs": [
                {"name": "keypoints", "datatype": "FP32", "shape": [-1, keypoints, 2]},
                {"name": "keypoint_scores", "datatype": "FP32", "shape": [-1, keypoints]},
                {"name": "keypoint_errors", "datatype": "FP32", "shape": [-1, keypoints]},
                {"name": "scores", "datatype": "FP32", "shape": [-1]},
                {"name": "boxes", "datatype": "FP32", "shape": [-1, 4]},
            ],
        }
    )


async def answer_infer(request: Request) -> Response:
    """Everybody in one picture."""
    service: Service = request.app.state.service
    _check_model(request, service)
    service.check_open()
    async with service.holding() as hold:
        body = await read_body(request, service.options, hold)
        request.state.received = len(body)
        encoding, length = request.headers.get("content-encoding", "identity"), request.headers.get(HEADER_LENGTH)
        done = await service.answer_in_time(
            request.receive, service.compute(lambda: _answer(service, body, encoding, length))
        )
    header, poses = done.value
    request.state.people, request.state.timing = len(poses), {"queue": done.waited, "find": done.took}
    service.metrics.add("nimblepose_pictures_total")
    service.metrics.add("nimblepose_people_total", len(poses))
    unknown = np.full(poses.keypoint_scores.shape, np.nan, np.float32)
    outputs = {
        "keypoints": poses.keypoints,
        "keypoint_scores": poses.keypoint_scores,
        "keypoint_errors": unknown if poses.keypoint_errors is None else poses.keypoint_errors,
        "scores": poses.scores,
        "boxes": poses.boxes,
    }
    about = {"model_name": service.name, "model_version": VERSION}
    if "id" in header:
        about["id"] = str(header["id"])
    document, data = write_tensors(about, outputs, header)
    return _deflate(document, data, request.headers.get("accept-encoding", ""))


def _check_model(request: Request, service: Service) -> None:
    name, version = request.path_params["model"], request.path_params.get("version", VERSION)
    if (name, version) != (service.name, VERSION):
        raise ProblemError(
            "not-found", f"no model {name!r} of version {version!r} here; there is {service.name}, version {VERSION}"
        )


def _answer(service: Service, body: bytes, encoding: str, length: str | None) -> tuple[dict[str, Any], Poses]:
    """What a thread does with a request: its JSON, and who is in its picture."""
    plain = _inflate(body, encoding, service.options.max_bytes)
    header, tensors = read_tensors(plain, length, _INPUTS)
    parameters = header.get("parameters", {})
    estimator = service.choose_estimator(
        check_quality(parameters.get("quality")),
        None if "min_score" not in parameters else check_score(parameters["min_score"]),
    )
    return header, _find(estimator, tensors, service.options.max_pixels)


def _find(estimator: PoseEstimator, tensors: dict[str, Any], max_pixels: int) -> Poses:
    if ("image" in tensors) == ("file" in tensors):
        raise ProblemError("bad-request", "one input is needed: image (UINT8, height x width x 3) or file (BYTES, 1)")
    if "file" in tensors:
        files: list[bytes] = tensors["file"]
        if len(files) != 1:
            raise ProblemError("bad-request", f"file: one picture is looked at, got {len(files)}")
        picture, _, reduction = read_upload(Upload("the file", files[0]), max_pixels)
        return enlarge(estimator.estimate(picture), reduction)
    image: NDArray[np.uint8] = tensors["image"]
    if image.ndim == 4 and len(image) == 1:
        image = image[0]
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ProblemError("bad-request", f"image: UINT8 of (height, width, 3), RGB; got {image.dtype} {image.shape}")
    if image.shape[0] * image.shape[1] > max_pixels:
        raise ProblemError("too-many-pixels", f"image: more than {max_pixels} pixels; make it smaller")
    return estimator.estimate(np.ascontiguousarray(image))


def _inflate(body: bytes, encoding: str, most: int) -> bytes:
    """A body as it was before compression, which may not hide more than it could have brought without."""
    if encoding in ("", "identity"):
        return body
    if encoding not in _ENCODINGS:
        raise ProblemError("wrong-type", f"Content-Encoding: {encoding} is not read here; use gzip or deflate, or none")
    inflating = zlib.decompressobj(_ENCODINGS[encoding])
    try:
        plain = inflating.decompress(body, most)
    except zlib.error as error:
        raise ProblemError("bad-request", f"the body is no {encoding}: {error}") from error
    if inflating.unconsumed_tail:
        raise ProblemError("too-large", f"the body has more than {most} bytes once it is inflated; raise --max-bytes")
    if not inflating.eof:
        raise ProblemError("bad-request", f"the body is no whole {encoding}; send it again")
    return plain


def _deflate(document: dict[str, Any], data: bytes, accepted: str) -> Response:
    """The answer, compressed if the client says so (and nothing else, as these clients do)."""
    text = encode_json(document)
    headers, kind = {}, "application/json"
    if data:
        headers[HEADER_LENGTH], kind = str(len(text)), "application/octet-stream"
    body, encoding = text + data, accepted.strip().lower()
    if encoding in _ENCODINGS:
        deflating = zlib.compressobj(wbits=_ENCODINGS[encoding])
        body, headers["Content-Encoding"] = deflating.compress(body) + deflating.flush(), encoding
    return Response(body, headers=headers, media_type=kind)
