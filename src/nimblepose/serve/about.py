"""What a server says of itself: the model, the schema, whether it is well, its numbers, and a page that explains it."""

import html
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

import nimblepose
from nimblepose.serve.problems import KINDS
from nimblepose.serve.schema import describe
from nimblepose.serve.service import Service

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


async def answer_alive(request: Request) -> Response:
    """The process runs."""
    return JSONResponse({"status": "alive"})


async def answer_ready(request: Request) -> Response:
    """It takes requests."""
    service: Service = request.app.state.service
    service.check_open()
    return JSONResponse({"status": "ready"})


async def answer_metrics(request: Request) -> Response:
    """Numbers for Prometheus."""
    service: Service = request.app.state.service
    service.measure()
    return Response(service.metrics.to_text(), media_type="text/plain; version=0.0.4; charset=utf-8")


async def answer_model(request: Request) -> Response:
    """What the model finds, and what a request may bring."""
    service: Service = request.app.state.service
    metadata, options = service.estimator.metadata, service.options
    return JSONResponse(
        {
            "name": service.name,
            "version": nimblepose.__version__,
            "licence": metadata.licence,
            "origin": metadata.origin,
            "skeleton": metadata.skeleton.to_dict(),
            "quality": options.quality or "balanced",
            "limits": {
                "bytes": options.max_bytes,
                "pixels": options.max_pixels,
                "seconds": options.timeout,
                "queue": options.queue,
                "streams": options.streams,
            },
        }
    )


async def answer_schema(request: Request) -> Response:
    """OpenAPI."""
    service: Service = request.app.state.service
    return JSONResponse(describe(service.estimator.skeleton, service.name))


async def answer_docs(request: Request) -> Response:
    """The schema as a page; nothing in it comes from elsewhere."""
    service: Service = request.app.state.service
    page = _make_page(describe(service.estimator.skeleton, service.name))
    return HTMLResponse(page, headers={"Content-Security-Policy": _POLICY})


def _make_page(schema: dict[str, Any]) -> str:
    parts = []
    for path, methods in schema["paths"].items():
        for method, one in methods.items():
            verb = "WS" if "101" in one["responses"] else method.upper()
            rows = "".join(
                f"<tr><td><code>{parameter['name']}</code></td><td>{html.escape(parameter['description'])}</td></tr>"
                for parameter in one.get("parameters", ())
            )
            table = f"<table>{rows}</table>" if rows else ""
            text = html.escape(one.get("description", ""))
            parts.append(f"<h2>{verb} {path}</h2><p>{html.escape(one['summary'])} {text}</p>{table}")
    kinds = "".join(
        f'<tr id="{name}"><td>{kind.status}</td><td><code>{name}</code></td><td>{kind.title}</td></tr>'
        for name, kind in KINDS.items()
    )
    return _PAGE.format(
        about=html.escape(schema["info"]["description"]), version=nimblepose.__version__, parts="".join(parts),
        kinds=kinds,
    )  # fmt: skip


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>nimblepose: what there is to ask</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f24;
  background: #fff }}
h2 {{ font-size: 1.1rem; margin: 1.5rem 0 0 }} p {{ margin: .3rem 0 }}
td {{ padding: .2rem .8rem .2rem 0; vertical-align: top }}
pre {{ overflow-x: auto; background: #f2f4f6; padding: .6rem }}
a {{ color: #0b57d0 }}
@media (prefers-color-scheme: dark) {{ body {{ background: #14171b; color: #e4e8ec }} pre {{ background: #22272e }}
  a {{ color: #8ab4f8 }} }}
</style></head><body>
<h1>nimblepose {version}</h1>
<p>{about} The <a href="/openapi.json">schema</a>, the <a href="/">page</a>.</p>
<pre>curl --data-binary @photo.jpg http://127.0.0.1:8080/v1/poses
curl --data-binary @photo.jpg -H 'Accept: image/jpeg' http://127.0.0.1:8080/v1/poses -o drawn.jpg
curl -F a=@a.jpg -F b=@b.png 'http://127.0.0.1:8080/v1/poses?format=coco,csv&amp;quality=fast'</pre>
{parts}
<h2>/v2/...</h2><p>KServe V2: health, metadata and inference; inputs <code>image</code> (UINT8) or <code>file</code>
(BYTES), outputs keypoints, keypoint_scores, keypoint_errors, scores, boxes.</p>
<h2>Problems</h2><p>Errors are problem details (RFC 9457): <code>type</code> leads here, <code>detail</code> names the
thing and the remedy.</p><table>{kinds}</table>
</body></html>
"""
