"""`/openapi.json`: what there is to ask, and what comes back, for this model's skeleton."""

from typing import Any, get_args

import nimblepose
from nimblepose.core.skeleton import Skeleton
from nimblepose.runtime.quality import QualityName
from nimblepose.serve.asking import FORMATS
from nimblepose.serve.problems import KINDS, MEDIA_TYPE

_NUMBER, _SCORE = {"type": "number"}, {"type": "number", "minimum": 0, "maximum": 1}
_WHOLE, _TEXT = {"type": "integer", "minimum": 0}, {"type": "string"}


def describe(skeleton: Skeleton, model: str) -> dict[str, Any]:
    """OpenAPI 3.1, whose schemas are JSON Schema 2020-12."""
    query = [
        _parameter("quality", "How closely to look.", {"type": "string", "enum": list(get_args(QualityName))}),
        _parameter("min_score", "Leave out people of a lower score; without it what suits the quality.", _SCORE),
    ]
    formats = _parameter("format", f"One or several of {', '.join(FORMATS)}, with commas.", _TEXT)
    picture = {"schema": {"type": "string", "format": "binary"}}
    files = {"type": "object", "additionalProperties": {"type": "string", "format": "binary"}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "nimblepose",
            "version": nimblepose.__version__,
            "description": f"Poses of {skeleton.name} in pictures, by the model {model}.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{}, {"bearer": []}, {"key": []}],
        "paths": {
            "/v1/poses": {
                "post": {
                    "operationId": "findPoses",
                    "summary": "Pictures in, poses out; or, by Accept, the picture with everybody drawn.",
                    "parameters": [formats, *query],
                    "requestBody": {
                        "required": True,
                        "content": {
                            "image/*": picture,
                            "application/octet-stream": picture,
                            "multipart/form-data": {"schema": files},
                        },
                    },
                    "responses": {
                        "200": {
                            "description": "Who is there.",
                            "content": {
                                "application/json": {
                                    "schema": {
                                        "anyOf": [_ref(name) for name in ("Json", "Coco", "OpenPose", "Several")]
                                    }
                                },
                                "text/csv": {"schema": _TEXT},
                                "image/jpeg": picture,
                                "image/png": picture,
                                "image/webp": picture,
                            },
                        },
                        **_problems(400, 401, 406, 408, 413, 415, 422, 503, 504),
                    },
                }
            },
            "/v1/stream": {
                "get": {
                    "operationId": "followPeople",
                    "summary": "A WebSocket: frames (JPEG, WebP, PNG) in, a Frame as JSON for each that is looked at.",
                    "description": (
                        "One frame is looked at, the newest waits, older ones are dropped and counted. Where a key is "
                        "needed, pages offer the subprotocols `nimblepose` and `key.KEY`."
                    ),
                    "parameters": query,
                    "responses": {"101": {"description": "The stream begins."}, **_problems(401, 403, 503)},
                }
            },
            "/v1/model": _page("What the model finds.", _ref("Model"), 401, 503),
            "/healthz": _page("It runs.", _ref("Health")),
            "/readyz": _page(
                "It takes requests; 503 while the model is loaded and before the end.", _ref("Health"), 503
            ),
            "/metrics": {
                "get": {
                    "summary": "Numbers for Prometheus.",
                    "responses": {"200": {"description": "Text.", "content": {"text/plain": {"schema": _TEXT}}}},
                }
            },
        },
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
            "schemas": _list_schemas(skeleton),
        },
    }


def _list_schemas(skeleton: Skeleton) -> dict[str, Any]:
    keypoint = _object(
        {
            "name": {"enum": list(skeleton.keypoints)},
            "x": _NUMBER,
            "y": _NUMBER,
            "score": _SCORE,
            "error": {"type": ["number", "null"], "minimum": 0},
        },
        optional=("error",),
        text="The centre of the first pixel is (0, 0); those not found are left out. `error`: pixels by which it is "
        "expected to be off, of models that know it.",
    )
    box = {"type": ["array", "null"], "description": "x, y, width, height", "items": _NUMBER, "minItems": 4}
    person = _object(
        {"score": _SCORE, "box": box, "keypoints": {"type": "array", "items": _ref("Keypoint")}, "track_id": _WHOLE},
        optional=("track_id",),
    )
    people = {"skeleton": _TEXT, "people": {"type": "array", "items": _ref("Person")}}
    numbers = {"type": "array", "items": _NUMBER}
    return {
        "Keypoint": keypoint,
        "Person": person,
        "Picture": _object({"file": _TEXT, "height": _WHOLE, "width": _WHOLE, **people}),
        "Json": _object(
            {
                "format": {"const": "nimblepose"},
                "version": _WHOLE,
                "model": _TEXT,
                "skeletons": {"type": "object"},
                "pictures": {"type": "array", "items": _ref("Picture")},
            }
        ),
        "Coco": {
            "type": "array",
            "items": _object(
                {
                    "image_id": _WHOLE,
                    "category_id": _WHOLE,
                    "keypoints": numbers,
                    "bbox": numbers,
                    "score": _SCORE,
                    "file_name": _TEXT,
                }
            ),
        },
        "OpenPose": {"oneOf": [_ref("OpenPoseFile"), {"type": "array", "items": _ref("OpenPoseFile")}]},
        "OpenPoseFile": _object(
            {
                "version": _NUMBER,
                "canvas_height": _WHOLE,
                "canvas_width": _WHOLE,
                "people": {"type": "array", "items": {"type": "object", "required": ["pose_keypoints_2d"]}},
            }
        ),
        "Several": _object(
            {"json": _ref("Json"), "coco": _ref("Coco"), "openpose": _ref("OpenPose"), "csv": _TEXT}, optional=FORMATS
        )
        | {"minProperties": 2},
        "Frame": _object(
            {
                "frame": _WHOLE,
                "dropped": _WHOLE,
                "time": _NUMBER,
                "height": _WHOLE,
                "width": _WHOLE,
                **people,
                "problem": _ref("Problem"),
            },
            optional=("time", "height", "width", "skeleton", "people", "problem"),
            text="`frame` counts those that came from 0; `problem` stands where people would if it is no picture.",
        ),
        "Model": _object(
            {
                "name": _TEXT,
                "version": _TEXT,
                "licence": _TEXT,
                "origin": _TEXT,
                "skeleton": {"type": "object"},
                "quality": _TEXT,
                "limits": {"type": "object"},
            }
        ),
        "Health": _object({"status": {"enum": ["alive", "ready"]}}),
        "Problem": {
            **_object(
                {
                    "type": {"enum": [f"/docs#{kind}" for kind in KINDS]},
                    "title": _TEXT,
                    "status": {"enum": sorted({kind.status for kind in KINDS.values()})},
                    "detail": _TEXT,
                    "error": _TEXT,
                    "request_id": _TEXT,
                },
                optional=("request_id",),
                text="RFC 9457.",
            )
        },
    }


def _object(properties: dict[str, Any], *, optional: tuple[str, ...] = (), text: str = "") -> dict[str, Any]:
    described = {"description": text} if text else {}
    required = [name for name in properties if name not in optional]
    return {
        "type": "object", **described, "properties": properties, "required": required, "additionalProperties": False
    }  # fmt: skip


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _parameter(name: str, text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": text, "schema": schema}


def _page(summary: str, schema: dict[str, Any], *problems: int) -> dict[str, Any]:
    found = {"description": summary, "content": {"application/json": {"schema": schema}}}
    return {"get": {"summary": summary, "responses": {"200": found, **_problems(*problems)}}}


def _problems(*statuses: int) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": _ref("Problem")}}
    titles = {status: "; ".join(kind.title for kind in KINDS.values() if kind.status == status) for status in statuses}
    return {str(status): {"description": titles[status], "content": content} for status in statuses}
